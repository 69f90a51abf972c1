"""Elementwise ops of one operand, one after the other: one table, or one formula, of what they make of it together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from xdsl.dialects.builtin import ArrayAttr, StringAttr, TensorType
from xdsl.ir import Operation

from compiler.dialects.formula import Operand, Term
from compiler.dialects.top.elementwise import Unary
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import LutOp
from compiler.ir.network import Network, name_of, shape
from compiler.ir.storage import is_quantised
from compiler.lowering.borders import real, values_of_table
from compiler.lowering.floating import formula_op
from compiler.lowering.int8 import result_type, stays_float
from compiler.lowering.job import Job
from compiler.lowering.terms import substitute
from compiler.passes.network_pass import only_producer


@dataclass(frozen=True)
class Chain:
    """Two ops or more in order, each read by the next alone."""

    ops: tuple[Unary, ...]

    @property
    def term(self) -> Term:
        """What the last one's result is of the first one's operand."""
        made: Term = Operand(0)
        for op in self.ops:
            made = substitute(op.term, {0: made})
        return made


def chains_of(network: Network, scales: Collection[str], apart: Collection[str]) -> dict[Operation, Chain]:
    """
    The longest chains of a network by their last op, of calibrated tensors.

    `scales` names the tensors that have a quantised type, `apart` the ops that have formats of their own.
    """
    found, inside, free = dict[Operation, Chain](), set[Operation](), {*scales} - {*apart}
    for op in reversed(list(network.ops)):
        if not isinstance(op, Unary) or op in inside or name_of(op) not in free or stays_float(op):
            continue
        ops = [op]
        while isinstance(before := only_producer(ops[0].input), Unary) and name_of(before) in free:
            ops.insert(0, before)
        if len(ops) > 1 and name_of(ops[0].input) in scales:
            found[op] = Chain(tuple(ops))
            inside.update(ops)
    return found


def chain(found: Chain, job: Job) -> TpuOp:
    """The op whose result takes the place of the last op's."""
    x, extents = found.ops[0].input, shape(found.ops[-1].output)
    if is_quantised(x):
        element = job.scales[job.name]
        table = job.weight("table", values_of_table(found.term, x, element), element.storage)
        made: TpuOp = LutOp(operands=[x, table], result_types=[result_type(shape(x), job)])
    else:
        made = formula_op(found.term, [real(x, job)], TensorType(job.element, shape(x)))
    made.folds = ArrayAttr([StringAttr(name_of(op)) for op in found.ops[:-1]])
    return job.viewed(made, extents, "values")
