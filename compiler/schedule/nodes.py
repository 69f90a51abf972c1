"""What the scheduler knows of an op, read from its class once: frames, bytes, access maps. No op is named here."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from xdsl.dialects.builtin import TensorType
from xdsl.ir import SSAValue

from compiler.dialects.access import Access, C, Follows, Frame, Whole
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
    a slice of the result reads from local memory, for an op that moves.
    """

    value: SSAValue
    extents: Frame
    itemsize: int
    access: Access
    everywhere: bool
    outside: bool
    unit: int
    copying: Work


@dataclass(frozen=True, eq=False)
class Node:
    """
    An op as the scheduler sees it.

    `moves`: its operands are loaded to where the result lies, or copied there. `order`: the operand axis behind each
    of the result's. `view`: in local memory its result is its operand. `free`: by itself it is a view in global memory
    and stays outside of groups. `laned` are the work axes that are cut at multiples of the chip's lanes only, since
    channels follow them. `work`: cycles of a slice, without copies.
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
    free: bool
    order: tuple[int, int, int, int]
    laned: frozenset[int]
    work: Work

    def computing(self, made: Container[SSAValue]) -> Work:
        """Cycles of a slice in a group that makes the values `made`: those of the op's copies too."""
        copies = [o.copying for o in self.operands if o.value in made] if self.moves else []
        return (lambda n, c, h, w, k: sum(copy(n, c, h, w, k) for copy in copies)) if copies else self.work


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
    )
