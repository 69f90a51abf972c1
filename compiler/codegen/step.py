"""The commands of one tile, and what of a group's values they leave in local memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from xdsl.ir import SSAValue

from compiler.codegen.operands import extents, part_of
from compiler.dialects.access import Box
from compiler.schedule.tiling import Piece
from simulator.chip import Chip
from simulator.isa.record import Command, Operand
from simulator.isa.table import Engine


@dataclass(eq=False)
class Node:
    """A command on its way into a stream; `layer` is the tensor it works for."""

    command: Command
    layer: str


@dataclass(frozen=True)
class Made:
    """A slice of a tensor that is complete, in local memory, once all of `nodes`, of one engine, are done."""

    tensor: SSAValue
    nodes: Sequence[Node]
    operand: Operand
    box: Box


@dataclass(frozen=True)
class Begun:
    """From the `at`-th command of a tile on, `size` bytes of every lane from `addr` are a buffer of their own."""

    at: int
    addr: int
    size: int


@dataclass
class Step:
    """
    The commands of one tile in the order of the group's ops, which is their order of meaning.

    `made` lists the slices that they complete, `begun` the buffers of which what they held is needed no more.
    """

    nodes: list[Node] = field(default_factory=list[Node])
    made: list[Made] = field(default_factory=list[Made])
    begun: list[Begun] = field(default_factory=list[Begun])

    def named(self, op: str) -> list[Node]:
        """The commands of one op of the instruction set."""
        return [node for node in self.nodes if node.command.op == op]

    @property
    def computes(self) -> list[Node]:
        """The commands of the compute engine."""
        return [node for node in self.nodes if node.command.engine is Engine.TIU]

    @property
    def inbound(self) -> list[Node]:
        """The commands that bring something to local memory."""
        return [node for node in self.nodes if _is_inbound(node)]

    @property
    def leading(self) -> list[Node]:
        """The loads before anything is computed: those that depend on nothing in their own tile."""
        return list(takewhile(_is_inbound, self.nodes))


@dataclass(frozen=True)
class Held:
    """The slice of a value that is in local memory now, and what put its `pieces` there: nodes of one engine each."""

    operand: Operand
    box: Box
    pieces: Sequence[tuple[Sequence[Node], Box]] = ()

    def part(self, box: Box, chip: Chip) -> Operand:
        """The part of it in `box`, a box of the same frame."""
        start = [wanted.start - have.start for wanted, have in zip(box, self.box, strict=True)]
        return part_of(self.operand, start, extents(box), chip)


@dataclass
class Laying:
    """An op that moves, at work in a tile: `made` is where its result goes, `pieces` are there already."""

    piece: Piece
    made: Operand
    pieces: list[tuple[Sequence[Node], Box]] = field(default_factory=list[tuple[Sequence[Node], Box]])


def _is_inbound(node: Node) -> bool:
    return node.command.engine is Engine.GDMA and node.command.op != "STORE"


def common(a: Box, b: Box) -> Box:
    """The part of the first four axes that lies in both."""
    pairs = zip(a[:4], b[:4], strict=True)
    return tuple(range(max(x.start, y.start), min(x.stop, y.stop)) for x, y in pairs)


def moved(box: Box, source: Box, target: Box) -> Box:
    """A box in `source` as it lies in `target`, a box of the same extents."""
    shifts = (to.start - at.start for at, to in zip(source, target, strict=True))
    return tuple(range(r.start + shift, r.stop + shift) for r, shift in zip(box, shifts, strict=True))
