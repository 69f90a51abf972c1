"""
Results that are the same whatever is fed: the chip copies them from the weights to where results are.

One without elements is just declared: there is nothing to copy.
"""

from __future__ import annotations

from xdsl.dialects.builtin import TensorType, UnitAttr
from xdsl.dialects.func import ReturnOp
from xdsl.ir import SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from compiler.dialects.structure import WeightOp
from compiler.dialects.tpu.movement import ExpandOp, ReshapeOp
from compiler.ir.network import Array, Network, name_of, named, shape, tensor


def copy_returned(network: Network) -> None:
    """Put a `tpu.Expand` to the same extents in the place of a returned view of a constant, or behind a constant."""
    for op in network.ops:
        for i, value in enumerate(op.operands if isinstance(op, ReturnOp) else ()):
            if (array := _constant(network, value)) is not None:
                op.operands[i] = _copied(network, value, array)


def _constant(network: Network, value: SSAValue) -> Array | None:
    """The array of a value that is a weight, or a view of one; None for any other."""
    root = value
    while isinstance(root.owner, ReshapeOp):
        root = root.owner.input
    return network.weights[name_of(root)].reshape(shape(value)) if isinstance(root.owner, WeightOp) else None


def _copied(network: Network, value: SSAValue, array: Array) -> SSAValue:
    maker, kind = value.owner, TensorType(tensor(value).element_type, shape(value))
    assert isinstance(maker, ReshapeOp | WeightOp), maker
    if not array.size:
        return value if isinstance(maker, WeightOp) else _declared(network, maker, array)
    held = f"{name_of(value)}_returned"
    network.weights[held] = array
    weight = named(WeightOp(result_types=[kind]), held)
    copy = ExpandOp(operands=[weight.output], result_types=[kind])
    Rewriter.insert_op([weight, copy], InsertPoint.after(maker))
    if isinstance(maker, ReshapeOp):
        copy.internal = maker.internal
        named(copy, name_of(value))
        value.replace_all_uses_with(copy.output)
        Rewriter.erase_op(maker)
    else:
        copy.internal = UnitAttr()
        named(copy, f"{name_of(value)}_copy")
    return copy.output


def _declared(network: Network, view: ReshapeOp, array: Array) -> SSAValue:
    """A constant without elements in the place of a view of one."""
    name = name_of(view)
    network.weights[name] = array
    made = named(WeightOp(result_types=[view.output.type]), name)
    Rewriter.replace_op(view, made)
    return made.output
