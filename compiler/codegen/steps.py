"""A layer group unrolled: what is loaded, computed and stored in each of its tiles, in order of meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product, takewhile

from xdsl.dialects.builtin import NoneType
from xdsl.ir import Operation, SSAValue

from compiler.codegen.emit.answers import Place, emit
from compiler.codegen.emit.movement import copied, landing, loads
from compiler.codegen.operands import dtype, extents, in_global, in_local, part_of, regrouped
from compiler.dialects.access import Box, Frame
from compiler.dialects.tpu import ops as tpu
from compiler.dialects.tpu.base import frame_of, lane_broadcast
from compiler.dialects.tpu.slices import OWN
from compiler.ir.network import name_of
from compiler.ir.storage import storage
from compiler.schedule.tiling import Piece, cut
from simulator.chip import Chip
from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Engine
from simulator.layout import lane_bytes

Tile = Mapping[str, int]
"""A tile's index on each group axis."""


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
    """The slice of a value that is in local memory now; `nodes`, where they are of one engine, put it there."""

    operand: Operand
    box: Box
    nodes: Sequence[Node] = ()

    def part(self, box: Box, chip: Chip) -> Operand:
        """The part of it in `box`, a box of the same frame."""
        start = [wanted.start - have.start for wanted, have in zip(box, self.box, strict=True)]
        return part_of(self.operand, start, extents(box), chip)


@dataclass
class _Laying:
    """An op that moves, at work in a tile: the nodes so far, by the operand they bring. `made` is its whole result."""

    piece: Piece
    made: Operand
    nodes: dict[int, list[Node]] = field(default_factory=dict[int, list[Node]])


def _is_inbound(node: Node) -> bool:
    return node.command.engine is Engine.GDMA and node.command.op != "STORE"


def tiles(group: tpu.GroupOp, core: int = 0, cores: int = 1) -> Iterator[Tile]:
    """Every tile of a group that one of so many cores runs, in its order."""
    order, secs, split = group.order.data, group.secs, group.shared
    ranges = {axis: range(count) for axis, count in secs.items()}
    if split:
        ranges[split] = range(secs[split] * core // cores, secs[split] * (core + 1) // cores)
    elif core:
        return
    for indices in product(*(ranges[axis] for axis in order)):
        yield dict(zip(order, indices, strict=True))


def steps(group: tpu.GroupOp, chip: Chip, core: int = 0) -> Iterator[Step]:
    """The group's tiles on a core as commands, waits not yet set."""
    walk = _Walk(group, chip, core)
    for tile in tiles(group, core, chip.cores):
        yield walk.tile(tile)


class _Walk:
    """The state of local memory on the way through a group's tiles."""

    def __init__(self, group: tpu.GroupOp, chip: Chip, core: int) -> None:
        self.split = group.shared
        self.core = core
        self.ops = list(group.body.block.ops)
        self.last_k = group.secs["k"] - 1
        self.chip = chip
        self.held: dict[SSAValue, Held] = {}
        self.done: dict[Operation, Box] = {}
        self.runs: dict[Operation, int] = {}
        self.laying: dict[Operation, _Laying | None] = {}

    def tile(self, tile: Tile) -> Step:
        step = Step()
        for op in self.ops:
            match op:
                case tpu.LoadOp():
                    self._load(op, tile, step)
                case tpu.StoreOp():
                    self._store(op, tile, step)
                case tpu.Movement():
                    self._move(op, tile, step)
                case tpu.ReshapeOp():
                    self._view(op, tile, step)
                case tpu.TpuOp():
                    self._compute(op, tile, step)
                case _:
                    pass
        return step

    def _repeats(self, op: Operation, work: Box) -> bool:
        """Whether `op` did the same in the tile before; notes the work if not."""
        if self.done.get(op) == work:
            return True
        self.done[op] = work
        return False

    def _buffer(self, op: tpu.InGroup, step: Step) -> int:
        """The address of the buffer that is `op`'s turn."""
        count = self.runs.get(op, 0)
        self.runs[op] = count + 1
        addr = op.slices.addr[count % len(op.slices.addr)]
        step.begun.append(Begun(len(step.nodes), addr, op.slices.size))
        return addr

    def _scratch(self, addr: int, kind: DType, held: Frame, begins: bool, step: Step) -> Operand:
        """Accumulators or temporaries at lane-local byte `addr`."""
        if begins:
            step.begun.append(Begun(len(step.nodes), addr, lane_bytes(held, kind.itemsize, self.chip)))
        return in_local(addr, kind, held, self.chip)

    def _load(self, op: tpu.LoadOp, tile: Tile, step: Step) -> None:
        uses = [(use.operation, use.index) for use in op.output.uses]
        box = op.slices.box(tile)
        if isinstance(user := uses[0][0], tpu.Movement):
            return self._lay(user, uses[0][1], tile, step)
        waits_for_part = op.slices.parts > 1 and OWN not in tile
        if waits_for_part or not all(box) or self._repeats(op, box):
            return None
        local = in_local(self._buffer(op, step), dtype(op.output), extents(box), self.chip)
        self.held[op.output] = Held(local, box)
        source = in_global(op.input, box)
        if any(isinstance(user, tpu.TpuOp) and lane_broadcast(user, index) for user, index in uses):
            local, source = _every_lane(local, self.chip), _every_lane(source, self.chip)
        step.nodes.append(Node(Command("LOAD", {"out": local, "in": source}), name_of(uses[0][0])))

    def _store(self, op: tpu.StoreOp, tile: Tile, step: Step) -> None:
        box = op.slices.box(tile)
        # What isn't cut along the axis that cores share is made by each, and stored by the first.
        theirs = self.core > 0 and all(cuts.driver != self.split for cuts in op.slices.axes)
        if theirs or tile["k"] != self.last_k or self._repeats(op, box):
            return
        command = Command("STORE", {"out": in_global(op.output, box), "in": self.held[op.input].part(box, self.chip)})
        step.nodes.append(Node(command, name_of(op)))

    def _compute(self, op: tpu.TpuOp, tile: Tile, step: Step) -> None:
        work = op.slices.work(tile)
        if self._repeats(op, work) or not all(work):
            return
        cut_k = op.slices.steps.driver == "k"
        first, last = not cut_k or tile["k"] == 0, not cut_k or tile["k"] == self.last_k
        if first:
            made = in_local(self._buffer(op, step), dtype(op.output), extents(work), self.chip)
            self.held[op.output] = Held(made, work[:4])
        done = list[Node]()
        for part in self._parts(op, tile, step):
            piece = cut(op, part)
            place = replace(self._place(op, piece, part, first, step), first=first, last=last)
            nodes = [Node(command, name_of(op)) for command in emit(op, piece, place)]
            step.nodes += nodes
            if last:
                done += nodes[-1:]
                step.made.append(Made(op.output, nodes[-1:], place.output, part[:4]))
        self.held[op.output] = replace(self.held[op.output], nodes=done)

    def _parts(self, op: tpu.TpuOp, tile: Tile, step: Step) -> Iterator[Box]:
        """The work of each of the op's own parts, what only that part reads being loaded before."""
        if op.slices.parts == 1:
            yield op.slices.work(tile)
            return
        sources = dict.fromkeys(value.owner for value in op.operands)
        loads = [load for load in sources if isinstance(load, tpu.LoadOp) and load.slices.parts > 1]
        for i in range(op.slices.parts):
            at = {**tile, OWN: i}
            for load in loads:
                self._load(load, at, step)
            yield op.slices.work(at)

    def _place(self, op: tpu.TpuOp, piece: Piece, work: Box, first: bool, step: Step) -> Place:
        inputs = [
            None if isinstance(value.type, NoneType) else self.held[value].part(part.box, self.chip)
            for value, part in zip(op.operands, piece.parts, strict=True)
        ]
        dims, sums = extents(work), DType.I32 if storage(op.operands[0]).kind in "iu" else DType.F32
        acc = None if op.slices.acc < 0 else self._scratch(op.slices.acc, sums, dims, first, step)
        tmp = tuple(self._scratch(addr, DType.F32, dims, True, step) for addr in op.slices.tmp)
        return Place(tuple(inputs), self.held[op.output].part(work[:4], self.chip), acc, tmp)

    def _complete(self, value: SSAValue, nodes: Sequence[Node], made: Operand, box: Box, step: Step) -> None:
        """A slice is in local memory once `nodes`, of one engine, are done."""
        self.held[value] = Held(made, box, nodes)
        step.made.append(Made(value, nodes, made, box))

    def _view(self, op: tpu.ReshapeOp, tile: Tile, step: Step) -> None:
        """The result is the operand's bytes, as they lie now."""
        work = op.slices.work(tile)
        if not all(work):
            return
        source = self.held[op.input]
        part = source.part(cut(op, work).parts[0].box, self.chip)
        _, _, h, w = frame_of(op.output)
        box = work[:4] if op.keeps_frame else (*work[:2], range(h), range(w))
        seen = part if op.keeps_frame else regrouped(part, h, w)
        self.held[op.output] = Held(seen, box, source.nodes)
        if source.nodes and not self._repeats(op, work):
            step.made.append(Made(op.output, source.nodes, self.held[op.output].part(work[:4], self.chip), work[:4]))

    def _laid(self, op: tpu.Movement, tile: Tile, step: Step) -> _Laying | None:
        """What is being done for an op that moves in this tile; None where that is nothing."""
        if op not in self.laying:
            work = op.slices.work(tile)
            if self._repeats(op, work) or not all(work):
                self.laying[op] = None
            else:
                made = in_local(self._buffer(op, step), dtype(op.output), extents(work), self.chip)
                self.laying[op] = _Laying(cut(op, work), made)
        return self.laying[op]

    def _lay(self, op: tpu.Movement, index: int, tile: Tile, step: Step) -> None:
        """The loads of an operand straight to where the result lies."""
        if (laying := self._laid(op, tile, step)) is None:
            return
        sources = [
            in_global(value.owner.input, part.box) if isinstance(value.owner, tpu.LoadOp) and all(part.box) else None
            for value, part in zip(op.operands, laying.piece.parts, strict=True)
        ]
        commands = loads(op, index, laying.piece, sources, laying.made, self.chip)
        laying.nodes[index] = [Node(command, name_of(op)) for command in commands]
        step.nodes += laying.nodes[index]

    def _move(self, op: tpu.Movement, tile: Tile, step: Step) -> None:
        """The copies of the operands that are in local memory; the others are loaded before."""
        laying = self._laid(op, tile, step)
        del self.laying[op]
        if laying is None:
            return
        piece, made = laying.piece, laying.made
        for index, (value, part) in enumerate(zip(op.operands, piece.parts, strict=True)):
            if not isinstance(value.owner, tpu.LoadOp) and all(part.box):
                source = self.held[value].part(part.box, self.chip)
                laying.nodes[index] = [Node(copied(op, index, piece, source, made, self.chip), name_of(op))]
                step.nodes += laying.nodes[index]
        nodes = [node for nodes in laying.nodes.values() for node in nodes]
        if len({node.command.engine for node in nodes}) == 1:
            return self._complete(op.output, nodes, made, piece.work[:4], step)
        self.held[op.output] = whole = Held(made, piece.work[:4])
        for index, part in laying.nodes.items():
            if part:
                box = landing(op, index, piece)
                step.made.append(Made(op.output, part, whole.part(box, self.chip), box))


def _every_lane(operand: Operand, chip: Chip) -> Operand:
    """One channel as a channel for each lane, read from or written to the same place."""
    n, _, h, w = operand.dims
    sn, _, sh, sw = operand.strides
    return replace(operand, dims=(n, chip.lanes, h, w), strides=(sn, 0, sh, sw))
