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
from compiler.schedule.work import Work, work
from simulator.chip import Chip


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

    `moves`: its operands are loaded to where the result lies, it stands alone in its group. `order`: the
    operand axis behind each of the result's. `view`: in local memory its result is its operand. `laned` are the work
    axes that are cut at multiples of the chip's lanes only, since channels follow them. `work`: cycles of a slice.
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
    order: tuple[int, int, int, int]
    laned: frozenset[int]
    work: Work


def node_of(op: TpuOp, chip: Chip) -> Node:
    """The facts of an op, and its cycles on `chip`."""
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
        order=op.order() if isinstance(op, Movement) else (0, 1, 2, 3),
        laned=frozenset({C, *(entry.axis for entry in channels if isinstance(entry, Follows))}),
        work=work(op, chip),
    )
