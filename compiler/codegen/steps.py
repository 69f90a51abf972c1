"""A layer group unrolled: what is loaded, computed and stored in each of its tiles, in order of meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from xdsl.dialects.builtin import NoneType
from xdsl.ir import Operation, SSAValue

from compiler.codegen.emit.answers import Place, emit
from compiler.codegen.emit.movement import copied, landing, loads, place_in, seen_at, viewed
from compiler.codegen.operands import dtype, extents, in_global, in_local, regrouped
from compiler.codegen.step import Begun, Held, Laying, Made, Node, Step, common, moved
from compiler.dialects.access import Box, Frame
from compiler.dialects.tpu import ops as tpu
from compiler.dialects.tpu.base import frame_of, lane_broadcast
from compiler.dialects.tpu.slices import OWN
from compiler.ir.network import name_of
from compiler.ir.storage import storage
from compiler.schedule.tiling import Piece, cut
from simulator.chip import Chip
from simulator.isa.record import Command, Operand
from simulator.isa.table import DType
from simulator.layout import lane_bytes

Tile = Mapping[str, int]
"""A tile's index on each group axis."""


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
        self.laying: dict[Operation, Laying | None] = {}

    def tile(self, tile: Tile) -> Step:
        step = Step()
        for op in self.ops:
            match op:
                case tpu.LoadOp():
                    self._load(op, tile, step)
                case tpu.StoreOp():
                    self._store(op, tile, step)
                case tpu.ReshapeOp():
                    self._view(op, tile, step)
                case tpu.Movement():
                    (self._view if _is_view(op) else self._move)(op, tile, step)
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
            self.held[op.output] = Held(self._target(op, work, tile, step), work[:4])
        done = list[tuple[Sequence[Node], Box]]()
        for part in self._parts(op, tile, step):
            piece = cut(op, part)
            place = replace(self._place(op, piece, part, first, step), first=first, last=last)
            nodes = [Node(command, name_of(op)) for command in emit(op, piece, place)]
            step.nodes += nodes
            if last:
                done.append((nodes[-1:], part[:4]))
                step.made.append(Made(op.output, nodes[-1:], place.output, part[:4]))
        self.held[op.output] = replace(self.held[op.output], pieces=done)

    def _target(self, op: tpu.TpuOp, work: Box, tile: Tile, step: Step) -> Operand:
        """Where the op's result goes: to a buffer of its own, or to its place in a result that joins it to others."""
        for use in op.output.uses:
            joiner = use.operation
            if isinstance(joiner, tpu.Movement) and _joins_in_place(joiner, op):
                laid = self._laid(joiner, tile, step)
                assert laid is not None, "both do the same part of the other axes"
                return place_in(joiner, use.index, laid.piece, laid.made, self.chip)
        return in_local(self._buffer(op, step), dtype(op.output), extents(work), self.chip)

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

    def _view(self, op: tpu.ReshapeOp | tpu.Movement, tile: Tile, step: Step) -> None:
        """The result is the operand's bytes, as they lie now."""
        work = op.slices.work(tile)
        if not all(work):
            return
        source, piece = self.held[op.operands[0]], cut(op, work)
        part = source.part(piece.parts[0].box, self.chip)
        if isinstance(op, tpu.Movement):
            seen, box = viewed(op, piece, part, self.chip), work[:4]
            pieces = [(nodes, seen_at(op, piece, at)) for nodes, at in source.pieces]
        else:
            seen, box, pieces = self._regrouped(op, part, source, work)
        self.held[op.output] = held = Held(seen, box, [(nodes, at) for nodes, at in pieces if all(at)])
        if not self._repeats(op, work):
            self._note(op.output, held, work, step)

    def _regrouped(
        self, op: tpu.ReshapeOp, part: Operand, source: Held, work: Box
    ) -> tuple[Operand, Box, Sequence[tuple[Sequence[Node], Box]]]:
        """A view under other extents; what put its planes there is known where each is whole."""
        if op.keeps_frame:
            return part, work[:4], [(nodes, common(at, work)) for nodes, at in source.pieces]
        _, _, h, w = frame_of(op.output)
        box = (*work[:2], range(h), range(w))
        whole = all(at[2:] == source.box[2:] for _, at in source.pieces)
        if whole:
            pieces = [(nodes, common((*at[:2], *box[2:]), work)) for nodes, at in source.pieces]
        else:
            together: Sequence[Node] = [node for nodes, _ in source.pieces for node in nodes]
            pieces = [(together, work[:4])] if len({node.command.engine for node in together}) == 1 else []
        return regrouped(part, h, w), box, pieces

    def _note(self, value: SSAValue, held: Held, work: Box, step: Step) -> None:
        """Tell where the pieces of what is now in local memory are to be seen."""
        for nodes, at in held.pieces:
            box = common(at, work)
            step.made.append(Made(value, nodes, held.part(box, self.chip), box))

    def _laid(self, op: tpu.Movement, tile: Tile, step: Step) -> Laying | None:
        """What is being done for an op that moves in this tile; None where that is nothing."""
        if op not in self.laying:
            work = op.slices.work(tile)
            if self._repeats(op, work) or not all(work):
                self.laying[op] = None
            else:
                made = in_local(self._buffer(op, step), dtype(op.output), extents(work), self.chip)
                self.laying[op] = Laying(cut(op, work), made)
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
        if nodes := [Node(command, name_of(op)) for command in commands]:
            step.nodes += nodes
            laying.pieces.append((nodes, landing(op, index, laying.piece)))

    def _move(self, op: tpu.Movement, tile: Tile, step: Step) -> None:
        """The copies of the operands that are in local memory; the others are loaded before."""
        laying = self._laid(op, tile, step)
        del self.laying[op]
        if laying is None:
            return
        piece, made = laying.piece, laying.made
        for index, (value, part) in enumerate(zip(op.operands, piece.parts, strict=True)):
            if isinstance(value.owner, tpu.LoadOp) or not all(part.box):
                continue
            box = landing(op, index, piece)
            if isinstance(value.owner, tpu.TpuOp) and _joins_in_place(op, value.owner):
                laying.pieces += [(nodes, moved(at, part.box, box)) for nodes, at in self.held[value].pieces]
                continue
            source = self.held[value].part(part.box, self.chip)
            node = Node(copied(op, index, piece, source, made, self.chip), name_of(op))
            step.nodes.append(node)
            laying.pieces.append(([node], box))
        self.held[op.output] = held = Held(made, piece.work[:4], laying.pieces)
        self._note(op.output, held, piece.work, step)


def _is_view(op: tpu.Movement) -> bool:
    """Whether an op that moves leaves its operand where it is: it has its buffers."""
    source = op.operands[0].owner
    return op.joins() < 0 and isinstance(source, tpu.TpuOp) and source.slices.addr == op.slices.addr


def _joins_in_place(op: tpu.Movement, maker: tpu.TpuOp) -> bool:
    """Whether what `maker` makes is made where `op` joins it to other values: in the buffers of that."""
    moves = isinstance(maker, tpu.Movement | tpu.ReshapeOp)
    return op.joins() >= 0 and not moves and maker.slices.addr == op.slices.addr


def _every_lane(operand: Operand, chip: Chip) -> Operand:
    """One channel as a channel for each lane, read from or written to the same place."""
    n, _, h, w = operand.dims
    sn, _, sh, sw = operand.strides
    return replace(operand, dims=(n, chip.lanes, h, w), strides=(sn, 0, sh, sw))
