"""
The types in which a network's inputs and results pass in and out, where a host wants others than the ops make.

A tensor keeps its name where it passes; what the ops read or make in its stead is internal, `<name>_<type>`.
"""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects.builtin import TensorType, UnitAttr, bf16, f16, f32
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Attribute, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from compiler.dialects.quant import UniformType
from compiler.dialects.structure import InputOp, only_on_host
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import CastOp
from compiler.ir.network import Network, name_of, named, shape, tensor
from compiler.lowering.borders import cast
from compiler.lowering.job import Job

IO = ("computed", "stored", "float32")
"""
How inputs and results pass: inputs as the mode stores them and results as they are computed, which may be a float of an
int8 network; both as the mode stores them; both as float32, which the chip casts.
"""


class UnknownIO(ValueError):
    """There is no such way for inputs and results to pass; the message lists those there are."""


def pass_as(network: Network, io: str, scales: Mapping[str, UniformType], element: Attribute) -> None:
    """
    Put a `tpu.Cast` behind each input and before each result that passes in another type than it has. Raises UnknownIO.

    `scales` are the quantised types wanted by tensor name, `element` the type of what has none. Integers, texts and
    what only the host touches pass as they are.
    """
    if io not in IO:
        raise UnknownIO(f"inputs and results can't pass as {io!r}; there are {', '.join(IO)}")
    if io == "computed":
        return
    for op in network.ops:
        for value in dict.fromkeys(op.operands if isinstance(op, ReturnOp) else ()):
            if isinstance(value.owner, TpuOp) and _is_real(value):
                _leave(value, f32 if io == "float32" else scales.get(name_of(value), element), network)
    for op in network.ops:
        if io == "float32" and isinstance(op, InputOp) and _is_real(op.output) and not only_on_host(op.output):
            _enter(op)


def _leave(value: SSAValue, element: Attribute, network: Network) -> None:
    if tensor(value).element_type == element:
        return
    maker, name, returned = value.owner, name_of(value), [u for u in value.uses if isinstance(u.operation, ReturnOp)]
    assert isinstance(maker, TpuOp)
    if isinstance(element, UniformType) and element.is_per_axis:
        names = {name_of(each) for op in network.ops for each in op.results}
        made = cast(value, element, Job(network, returned[0].operation, names=names)).owner
        assert isinstance(made, TpuOp)
        made.internal = None
    else:
        made = CastOp(operands=[value], result_types=[TensorType(element, shape(value))])
        Rewriter.insert_op(made, InsertPoint.after(maker))
    named(made, name)
    for use in returned:
        use.operation.operands[use.index] = made.output
    named(maker, f"{name}_{_suffix(value)}").internal = UnitAttr()


def _enter(op: InputOp) -> None:
    if tensor(op.output).element_type == f32:
        return
    readers, kind = list(op.output.uses), op.output.type
    entered = CastOp(operands=[op.output], result_types=[kind])
    entered.internal = UnitAttr()
    Rewriter.insert_op(named(entered, f"{name_of(op)}_{_suffix(op.output)}"), InsertPoint.after(op))
    for use in readers:
        use.operation.operands[use.index] = entered.output
    passing = TensorType(f32, shape(op.output))
    Rewriter.replace_value_with_new_type(op.input, passing)
    Rewriter.replace_value_with_new_type(op.output, passing)


def _is_real(value: SSAValue) -> bool:
    """Whether it stands for real numbers: a float type, or a quantised one."""
    return isinstance(value.type, TensorType) and (
        isinstance(tensor(value).element_type, UniformType) or tensor(value).element_type in (f32, bf16, f16)
    )


def _suffix(value: SSAValue) -> str:
    element = tensor(value).element_type
    return "int8" if isinstance(element, UniformType) else str(element)
