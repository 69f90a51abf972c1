"""Which ops move no byte in global memory: their result lies where their operands lie."""

from __future__ import annotations

from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue

from compiler.dialects.host import HostOp
from compiler.dialects.structure import InputOp, WeightOp
from compiler.dialects.tpu.base import frame_of
from compiler.dialects.tpu.movement import ConcatOp, ReshapeOp
from compiler.ir.network import Network


def views(network: Network) -> set[Operation]:
    """
    Reshapes, and those concatenations whose operands can be stored end to end in the result.

    That needs that all axes before the concatenated one are 1, that groups store every operand, each once, and that
    none lies in another concatenation's result already or is returned.
    """
    found, inside = set[Operation](), set[SSAValue]()
    for op in network.ops:
        if isinstance(op, ReshapeOp):
            found.add(op)
        elif isinstance(op, ConcatOp) and _end_to_end(op) and inside.isdisjoint(op.inputs):
            found.add(op)
            inside.update(op.inputs)
    return found


def _end_to_end(op: ConcatOp) -> bool:
    before = frame_of(op.output)[: op.axis.value.data]
    return (
        all(extent == 1 for extent in before)
        and len(set(op.inputs)) == len(op.inputs)
        and all(_stored_freely(value) for value in op.inputs)
    )


def _stored_freely(value: SSAValue) -> bool:
    """Whether a group stores the value and nothing but this program's flow says where."""
    if isinstance(value.owner, InputOp | WeightOp | HostOp | ReshapeOp | ConcatOp):
        return False
    return not any(isinstance(use.operation, ReturnOp) for use in value.uses)
