"""What the scheduler knows of an op, read from its class once: frames, bytes, access maps. No op is named here."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import TensorType
from xdsl.ir import SSAValue

from compiler.dialects.access import Access, C, Follows, Frame
from compiler.dialects.tpu.base import TpuOp, frame_of, lane_broadcast
from compiler.dialects.tpu.movement import Movement, ReshapeOp
from compiler.ir.network import name_of
from compiler.ir.storage import itemsize


@dataclass(frozen=True)
class Operand:
    """An operand that is there. `everywhere`: one channel, of which each lane holds a copy of its own."""

    value: SSAValue
    extents: Frame
    itemsize: int
    access: Access
    everywhere: bool


@dataclass(frozen=True, eq=False)
class Node:
    """
    An op as the scheduler sees it.

    `moves`: its operands are loaded to where the result lies, it stands alone in its group. `view`: in local memory
    its result is its operand. `laned` are the work axes that are cut at multiples of the chip's lanes only, since
    channels follow them.
    """

    op: TpuOp
    name: str
    output: SSAValue
    extents: Frame
    itemsize: int
    operands: tuple[Operand, ...]
    reduction: int
    temporaries: int
    moves: bool
    view: bool
    laned: frozenset[int]


def node_of(op: TpuOp) -> Node:
    """The facts of an op."""
    moves = isinstance(op, Movement)
    operands = tuple(
        Operand(value, frame_of(value), itemsize(value), access, lane_broadcast(op, i) and not moves)
        for i, (value, access) in enumerate(zip(op.operands, op.reads(), strict=True))
        if isinstance(value.type, TensorType)
    )
    channels = (o.access[C] for o in operands if not moves)
    return Node(
        op=op,
        name=name_of(op),
        output=op.output,
        extents=frame_of(op.output),
        itemsize=itemsize(op.output),
        operands=operands,
        reduction=op.reduction(),
        temporaries=op.temporaries(),
        moves=moves,
        view=isinstance(op, ReshapeOp),
        laned=frozenset({C, *(entry.axis for entry in channels if isinstance(entry, Follows))}),
    )
