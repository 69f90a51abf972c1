"""Top to Tpu: one forward walk, one rule file a number format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from xdsl.dialects.builtin import FunctionType, StringAttr, TensorType, bf16, f16, f32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import Rewriter

from compiler.dialects.fields import integer
from compiler.dialects.host import HostOp, StringType
from compiler.dialects.quant import UniformType
from compiler.dialects.structure import InputOp, NoneOp, WeightOp
from compiler.dialects.top.base import OverIntegers, PassesValues, TopOp
from compiler.dialects.top.census import total_macs
from compiler.dialects.top.movement import ConcatOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import ReshapeOp
from compiler.ir.axis_types import taken
from compiler.ir.interface import Unanswered
from compiler.ir.network import Network, name_of, named, shape, tensor
from compiler.ir.verify import broken
from compiler.lowering.answers import carry, to_float, to_int8_or_float
from compiler.lowering.aside import Types, hold, keep_on_host, set_aside, types_of
from compiler.lowering.attention import attention, attentions_of
from compiler.lowering.attention_pattern import Attention
from compiler.lowering.borders import of_type
from compiler.lowering.chains import Chain, chain, chains_of
from compiler.lowering.constants import copy_returned
from compiler.lowering.edges import pass_as
from compiler.lowering.equal_weights import merge_equal_weights
from compiler.lowering.expectation import Expectation, expectation, expectations_of
from compiler.lowering.frames import fill_lanes
from compiler.lowering.int8 import serves_float
from compiler.lowering.integers import chip_element, declare, held
from compiler.lowering.job import LARGEST, Contracted, Job, Unlowerable
from compiler.lowering.order import gather_host_ops
from compiler.lowering.wide import to_wide_or_float
from compiler.quantization.balance import Balance
from compiler.quantization.moved import moved
from compiler.quantization.qtable import exceptions
from compiler.quantization.types import Scheme, asymmetric, chosen, symmetric

Composed = Attention | Expectation | Chain
"""Ops of Top that together are lowered to something else than one after the other."""


@dataclass(frozen=True)
class Format:
    """A number format: its rules, the float type of what isn't quantised, and how ranges become quantised types."""

    rule: Callable[[Operation, Job], TpuOp]
    element: Attribute
    scheme: Scheme | None = None


FORMATS: Mapping[str, Format] = {
    "f32": Format(to_float, f32),
    "bf16": Format(to_float, bf16),
    "f16": Format(to_float, f16),
    "int8": Format(to_int8_or_float, f32, symmetric),
    "int8a": Format(to_int8_or_float, f32, asymmetric),
    "mix": Format(to_int8_or_float, f32, symmetric),
}
"""By mode."""

EXCEPTED: Mapping[str, Format] = {**FORMATS, "w8f16": Format(to_wide_or_float, f32, symmetric)}
"""By the format that a qtable gives an op."""


def format_of(mode: str) -> Format:
    """The number format of a mode. Raises Unlowerable."""
    if mode not in FORMATS:
        raise Unlowerable(f"no mode named {mode!r}; there are {', '.join(FORMATS)}")
    return FORMATS[mode]


def lower(
    network: Network,
    mode: str,
    qtable: Mapping[str, str | float] | None = None,
    io: str = "computed",
    balance: Mapping[str, Balance] = MappingProxyType({}),
) -> dict[str, Contracted]:
    """
    Replace every Top op but Input, Weight and None by Tpu ops in the number format `mode`, in place.

    What no rule lowers becomes an op of the host. Network inputs and results take the format's storage type, but for
    those that only the host touches. `qtable` has a mixed network's exceptions (see `compiler.quantization.qtable`).
    `io` says in which types inputs and results pass (see `compiler.lowering.edges`), `balance` which tensors are to
    have a scale for each channel (see `compiler.quantization.balance`). Returns what the weights of int8 contractions
    stand for, by name. Raises Unlowerable naming an op that neither chip nor host runs; BadQtable; UnknownIO.
    """
    wanted = format_of(mode)
    types, macs = types_of(network), total_macs(network)
    declare(network)
    excepted = exceptions(network, qtable or {})
    scales = dict[str, UniformType]()
    if wanted.scheme:
        scales = chosen(network, wanted.scheme, excepted, balance, by_axis=io != "float32")
    whole = _composed(network, scales, excepted.formats) if wanted.scheme else dict[Operation, Composed]()
    parts = {op for found in whole.values() for op in found.ops[:-1]}
    contracted = dict[str, Contracted]()
    known, names = dict[tuple[SSAValue, Attribute], SSAValue](), {name_of(v) for op in network.ops for v in op.results}
    for op in network.ops:
        own = EXCEPTED[excepted.formats[name_of(op)]] if name_of(op) in excepted.formats else wanted
        job = Job(network, op, own.element, scales, known, names, contracted, excepted.formats)
        if op in whole:
            _replace_all(whole[op], job)
        elif op not in parts:
            _lower_op(op, own, job, types)
    copy_returned(network)
    pass_as(network, io, scales, wanted.element)
    keep_on_host(network, types)
    _sweep(network)
    fill_lanes(network)
    _sweep(network)
    merge_equal_weights(network)
    gather_host_ops(network)
    _seal(network, mode)
    if any(isinstance(op, HostOp) for op in network.ops):
        network.module.attributes["module.macs"] = integer(macs)
    if problem := broken(network.module):
        raise Unlowerable(f"lowering to {mode} made {problem}")
    return {name: told for name, told in contracted.items() if name in network.weights}


def _lower_op(op: Operation, wanted: Format, job: Job, types: Types) -> None:
    match op:
        case InputOp():
            _enter(op, job)
        case HostOp():
            hold(op, job)
        case TopOp():
            try:
                _replace(op, _lowered(op, wanted, job))
            except (Unlowerable, Unanswered, ValueError) as error:
                set_aside(op, job, types, _reason(error, job))
        case _:
            pass


def _lowered(op: TopOp, wanted: Format, job: Job) -> TpuOp:
    """The op's counterpart, not in its place yet; float where int8 can't be. Raises Unlowerable or ValueError."""
    if objection := _objection(op):
        raise job.refusal(objection)
    if op.has_trait(PassesValues):
        return _carried(op, job)
    try:
        return wanted.rule(op, job)
    except (Unlowerable, ValueError):
        if wanted.scheme is None:
            raise
        return to_float(op, job)


def _reason(error: Exception, job: Job) -> str:
    """Why an op isn't lowered, without its name, which stands beside the reason."""
    return str(error).removeprefix(str(job.refusal("")))


def _objection(op: TopOp) -> str | None:
    """What keeps an op from the chip whatever its attributes are; None if nothing does."""
    takes_integers = op.has_trait(PassesValues) or op.has_trait(OverIntegers)
    if not takes_integers and (strange := [v for v in (*op.operands, *op.results) if _is_integer(v)]):
        return f"no rule lowers it over {tensor(strange[0]).element_type}"
    question = carry if op.has_trait(PassesValues) else to_float
    return "no rule lowers it" if question.answer_of(type(op)) is None else None


def _enter(op: InputOp, job: Job) -> None:
    """Give a network input, and the function's argument behind it, the type it passes in; texts have none."""
    if isinstance(tensor(op.output).element_type, StringType):
        return
    own = chip_element(tensor(op.output).element_type)
    passing = EXCEPTED[job.formats[job.name]].element if job.name in job.formats else job.scales.get(job.name)
    kind = TensorType(own or passing or job.element, shape(op.output))
    Rewriter.replace_value_with_new_type(op.input, kind)
    Rewriter.replace_value_with_new_type(op.output, kind)


def _carried(op: TopOp, job: Job) -> TpuOp:
    """Operands of one element type: in int8 the wanted one where they differ or some are float."""
    if integer := chip_element(tensor(op.output).element_type):
        return carry(op, [_as_integer(value, job) for value in op.operands], TensorType(integer, shape(op.output)), job)
    passed = op.passed()
    elements = {tensor(value).element_type for value in passed if job.array(value) is None}
    element = elements.pop() if len(elements) == 1 else _of_constants(op, job) if not elements else _own(job)
    if isinstance(element, UniformType) and element.is_per_axis:
        return _carried_by_axis(op, element, job)
    operands = [of_type(value, element, job) if value in passed else _as_integer(value, job) for value in op.operands]
    return carry(op, operands, TensorType(element, shape(op.output)), job)


def _carried_by_axis(op: TopOp, element: UniformType, job: Job) -> TpuOp:
    """Of a Concat each operand in its part of the result's type; of any other op the one operand as it is."""
    axis, operands = element.axis.data, list(op.operands)
    if isinstance(op, ConcatOp):
        ends = np.cumsum([0, *(shape(value)[axis] for value in operands)]).tolist()
        parts = [taken(element, axis, range(*both)) for both in pairwise(ends)]
        operands = [of_type(value, part, job) for value, part in zip(operands, parts, strict=True)]
    else:
        element = moved(op, element)
    made = carry(op, operands, TensorType(element, shape(op.output)), job)
    Rewriter.replace_value_with_new_type(made.output, TensorType(element, shape(op.output)))
    return made


def _of_constants(op: TopOp, job: Job) -> Attribute:
    """
    The element type of rows of a table, and the like: that of the result, but f16 where float ops alone read them.

    In an int8 network that is: eight bits for a whole table of embeddings would be the coarsest tensor of all, and
    rows are read, not the table.
    """
    if job.name in job.formats or job.name not in job.scales or not serves_float(op, job.formats):
        return _own(job)
    known = [array for value in op.passed() if (array := job.array(value)) is not None]
    return f16 if all(np.abs(array).max(initial=0.0) <= LARGEST["float16"] for array in known) else job.element


def _own(job: Job) -> Attribute:
    """The float type that a qtable asks for, the type that calibration gave the result, or the network's float type."""
    return job.element if job.name in job.formats else job.scales.get(job.name, job.element)


def _as_integer(value: SSAValue, job: Job) -> SSAValue:
    """An integer operand as the chip holds it."""
    element = chip_element(tensor(value).element_type)
    array = job.array(value)
    return value if array is None or element is None else job.weight("constant", held(array, job), element)


def _is_integer(value: SSAValue) -> bool:
    return isinstance(value.type, TensorType) and chip_element(tensor(value).element_type) is not None


def _replace(op: TopOp, made: TpuOp) -> None:
    Rewriter.replace_op(op, named(made, name_of(op)))


def _composed(
    network: Network, scales: Mapping[str, UniformType], apart: Mapping[str, str]
) -> dict[Operation, Composed]:
    """Ops that are lowered as a whole, by the last of them."""
    finders = (chains_of, expectations_of, attentions_of)
    return {last: found for find in finders for last, found in find(network, scales, apart).items()}


def _replace_all(found: Composed, job: Job) -> None:
    match found:
        case Attention():
            whole = attention(found, job)
        case Expectation():
            whole = expectation(found, job)
        case Chain():
            whole = chain(found, job)
    made = named(whole, job.name)
    Rewriter.replace_op(found.ops[-1], made)
    for op in reversed(found.ops[:-1]):
        Rewriter.erase_op(op)


def _sweep(network: Network) -> None:
    """Take out the constants, and the ops that lowering put in, that nobody reads."""
    for op in reversed(list(network.ops)):
        spare = isinstance(op, WeightOp | NoneOp) or (
            isinstance(op, TpuOp) and (op.internal is not None or _folded(op))
        )
        if spare and not any(result.uses for result in op.results):
            if isinstance(op, WeightOp):
                del network.weights[name_of(op)]
            Rewriter.erase_op(op)


def _folded(op: TpuOp) -> bool:
    """Whether it is a view whose name the tensor that it views answers for."""
    return isinstance(op, ReshapeOp) and isinstance(op.input.owner, TpuOp) and op.input.owner.folds is not None


def _seal(network: Network, mode: str) -> None:
    """Make the function's type and the module's attributes say what has been done."""
    main = network.main
    block = main.body.block
    results = [value.type for value in block.last_op.operands] if block.last_op else []
    main.function_type = FunctionType.from_lists([argument.type for argument in block.args], results)
    network.module.attributes["module.state"] = StringAttr("TPU_LOWERED")
    network.module.attributes["module.mode"] = StringAttr(mode.upper())
