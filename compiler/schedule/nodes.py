"""What the scheduler knows of an op, read from its class once: frames, bytes, access maps. No op is named here."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import TensorType
from xdsl.ir import SSAValue

from compiler.dialects.access import Access, C, Follows, Frame, W, Whole
from compiler.dialects.tpu.base import TpuOp, frame_of, lane_broadcast
from compiler.dialects.tpu.movement import Movement, ReshapeOp
from compiler.ir.network import name_of
from compiler.ir.storage import itemsize
from compiler.schedule.work import Work, copying, work
from simulator.chip import Chip


@dataclass(frozen=True)
class Operand:
    """
    An operand that is there.

    `everywhere`: one channel, of which each lane holds a copy of its own. `outside`: it must come from global memory.
    `unit`: the channels that are read of it are rounded outward to multiples of it. `copying`: cycles of copying what
    a slice of the result reads from local memory, for an op that moves. `lined_up`: an op that joins wants it where it
    can be made, channels in the lanes that they have by themselves, planes without gaps if that is needed.
    """

    value: SSAValue
    extents: Frame
    itemsize: int
    access: Access
    everywhere: bool
    outside: bool
    unit: int
    copying: Work
    lined_up: bool


@dataclass(frozen=True, eq=False)
class Node:
    """
    An op as the scheduler sees it.

    `moves`: its operands are loaded to where the result lies, or copied there. `order`: the operand axis behind each
    of the result's. `view`: in local memory its result is its operand. `seen`: it can be, if the group makes the
    operand. `joins`: the axis along which the operands lie end to end, or -1. `free`: by itself it is a view in global
    memory and stays outside of groups. `laned` are the work axes that are cut at multiples of the chip's lanes only,
    since channels follow them. `work`: cycles of a slice, without copies.
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
    seen: bool
    joins: int
    free: bool
    order: tuple[int, int, int, int]
    laned: frozenset[int]
    work: Work


def node_of(op: TpuOp, chip: Chip, free: bool = False) -> Node:
    """The facts of an op, and its cycles on `chip`."""
    operands = tuple(
        _operand(op, i, access, chip)
        for i, (value, access) in enumerate(zip(op.operands, op.reads(), strict=True))
        if isinstance(value.type, TensorType)
    )
    moves = isinstance(op, Movement)
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
        seen=isinstance(op, ReshapeOp) or (isinstance(op, Movement) and _seen(op, chip)),
        joins=op.joins() if isinstance(op, Movement) else -1,
        free=free,
        order=op.order() if isinstance(op, Movement) else (0, 1, 2, 3),
        laned=frozenset({C, *(entry.axis for entry in channels if isinstance(entry, Follows))}),
        work=work(op, chip),
    )


def _operand(op: TpuOp, index: int, access: Access, chip: Chip) -> Operand:
    value, moves = op.operands[index], isinstance(op, Movement)
    everywhere = lane_broadcast(op, index) and not moves
    return Operand(
        value,
        frame_of(value),
        itemsize(value),
        access,
        everywhere,
        outside=everywhere or (isinstance(op, Movement) and not op.copied()),
        unit=chip.lanes if moves or access[C] not in (Follows(C), Whole()) else 1,
        copying=copying(op, index, chip),
        lined_up=isinstance(op, Movement) and _lined_up(op, index, chip),
    )


def _seen(op: Movement, chip: Chip) -> bool:
    """Whether the result can be a view with strides: planes seen in other rows and columns have no gaps."""
    return op.seen(chip.lanes) and not _regrouped_later(op.output) and not _regrouped_before(op.operands[0])


def _lined_up(op: Movement, index: int, chip: Chip) -> bool:
    access = op.reads()[index][C]
    value = op.operands[index]
    in_lanes = isinstance(access, Follows) and access.first % chip.lanes == 0
    return in_lanes and not (op.joins() == W and _regrouped_later(value))


def _regrouped_later(value: SSAValue) -> bool:
    """Whether some view of a value sees its planes in other rows and columns."""
    readers = [use.operation for use in value.uses]
    return any(
        (isinstance(op, ReshapeOp) and not op.keeps_frame)
        or (isinstance(op, ReshapeOp | Movement) and op.operands[0] is value and _regrouped_later(op.output))
        for op in readers
    )


def _regrouped_before(value: SSAValue) -> bool:
    """Whether a value is a view, in other rows and columns, of operands end to end."""
    regrouped = False
    while isinstance(op := value.owner, ReshapeOp | Movement):
        if regrouped and isinstance(op, Movement) and op.joins() >= 0:
            return True
        regrouped |= isinstance(op, ReshapeOp) and not op.keeps_frame
        value = op.operands[0]
    return False
