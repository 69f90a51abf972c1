"""
Elementwise ops of one operand, one after the other: one table of what they make of it together, rounded once.

Tensors on the way are exact: whatever ranges calibration chose for them, nothing is stored in these.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from xdsl.dialects.builtin import ArrayAttr, StringAttr, TensorType
from xdsl.ir import Operation, SSAValue

from compiler.dialects.formula import Operand, Term
from compiler.dialects.top.elementwise import Unary
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import LutOp
from compiler.ir.network import Array, Network, name_of, shape
from compiler.ir.storage import is_quantised, uniform
from compiler.lowering.borders import evaluated, of_every_byte, quantised_array, real
from compiler.lowering.floating import formula_op
from compiler.lowering.int8 import result_type
from compiler.lowering.job import Job
from compiler.lowering.tables import tables
from compiler.lowering.terms import substitute
from compiler.passes.network_pass import only_producer
from compiler.quantization.float_ops import stays_float


@dataclass(frozen=True)
class Chain:
    """Two ops or more in order, each read by the next alone."""

    ops: tuple[Unary, ...]


def chains_of(network: Network, scales: Collection[str], apart: Mapping[str, str]) -> dict[Operation, Chain]:
    """
    The longest chains of a network by their last op, of calibrated tensors.

    `scales` names the tensors that have a quantised type, `apart` the formats of ops that have their own.
    """
    found, inside, free = dict[Operation, Chain](), set[Operation](), {*scales} - {*apart}
    for op in reversed(list(network.ops)):
        if not isinstance(op, Unary) or op in inside or name_of(op) not in free or stays_float(op, apart):
            continue
        ops = [op]
        while isinstance(before := only_producer(ops[0].input), Unary) and name_of(before) in free:
            ops.insert(0, before)
        if len(ops) > 1 and name_of(ops[0].input) in scales:
            found[op] = Chain(tuple(ops))
            inside.update(ops)
    return found


def chain(found: Chain, job: Job) -> TpuOp:
    """The op whose result takes the place of the last op's: a table, or of a float operand the formula of all."""
    x = found.ops[0].input
    made = _table(found, x, job) if is_quantised(x) else _formula(found, x, job)
    made.folds = ArrayAttr([StringAttr(name_of(op)) for op in found.ops[:-1]])
    return job.viewed(made, shape(found.ops[-1].output), "values")


def _formula(found: Chain, x: SSAValue, job: Job) -> TpuOp:
    term: Term = Operand(0)
    for op in found.ops:
        term = substitute(op.term, {0: term})
    return formula_op(term, [real(x, job)], TensorType(job.element, shape(x)))


def _table(found: Chain, x: SSAValue, job: Job) -> TpuOp:
    result = job.scales[job.name]
    if uniform(x).is_per_axis or result.is_per_axis:
        return tables(x, result, lambda reals: _of(found, reals), job)
    made = quantised_array(_of(found, of_every_byte(Operand(0), x)), result)
    table = job.weight("table", made.reshape(1, 1, 1, 256), result.storage)
    return LutOp(operands=[x, table], result_types=[result_type(shape(x), job)])


def _of(found: Chain, values: Array) -> Array:
    """What the ops make of real numbers, one after the other."""
    for op in found.ops:
        values = evaluated(substitute(op.term, {0: Operand(0)}), values)
    return values
