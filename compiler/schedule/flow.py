"""
Groups of a single tile: every op runs once on whole tensors, and loads run ahead of it as far as memory has room.

Both engines work in order, so loads are issued in the order of their first use. An op with large weights runs in parts,
each of which loads its own. Each load is moved to the earliest turn of the group (an op's part, or an op) at which its
bytes fit beside all that must be there then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from xdsl.ir import SSAValue

from compiler.dialects.access import Follows
from compiler.dialects.structure import WeightOp
from compiler.dialects.tpu.slices import OWN, Cuts
from compiler.schedule.cost import move, transfer
from compiler.schedule.cuts import LoadKey, Parts, load_key, split
from compiler.schedule.demand import ACCUMULATOR
from compiler.schedule.links import Links, links_of
from compiler.schedule.nodes import Node
from simulator.chip import Chip
from simulator.layout import lane_bytes, up
from simulator.timing import DMA_LATENCY

PAGES = 16
"""Weights of more than this part of local memory are loaded in parts."""


@dataclass(frozen=True)
class Flow:
    """
    `starts`: the turn from which on each load, or each part of one, has its buffer, in the order of the loads.

    `parts` of the ops that run in some; `cycles` of the group, estimated, and those that its `moves` take.
    """

    starts: dict[LoadKey, tuple[int, ...]]
    parts: dict[Node, Parts]
    cycles: int
    moves: int


@dataclass(slots=True)
class _Load:
    """`size` bytes a lane, `cycles` to load them, used in the turns `first` to `last`."""

    key: LoadKey
    size: int
    cycles: int
    first: int
    last: int


@dataclass(frozen=True)
class InParts:
    """An op in parts: the cycles of each, and for each operand loaded in parts their bytes and each one's cycles."""

    parts: Parts
    computed: tuple[int, ...]
    loads: dict[int, tuple[int, tuple[int, ...]]]


class Sizes:
    """Bytes a lane and cycles of whole tensors, worked out once for many groups."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self._loads = dict[LoadKey, tuple[int, int]]()
        self._nodes = dict[Node, tuple[int, int, int, int]]()
        self._parts = dict[Node, InParts | None]()

    def load(self, node: Node, slot: int) -> tuple[int, int]:
        """Bytes and cycles of loading a whole operand; none of its own if it is loaded into the result."""
        operand = node.operands[slot]
        key = load_key(node, operand, slot)
        if key not in self._loads:
            size = 0 if node.moves else lane_bytes(operand.extents, operand.itemsize, self.chip)
            self._loads[key] = size, move(operand.extents, operand, node, self.chip)
        return self._loads[key]

    def parts(self, node: Node) -> InParts | None:
        """The parts that an op with large weights runs in."""
        if node not in self._parts:
            self._parts[node] = self._in_parts(node)
        return self._parts[node]

    def _in_parts(self, node: Node) -> InParts | None:
        page = self.chip.lane_bytes // PAGES
        large = {slot: axis for slot, axis in weights_along(node).items() if self.load(node, slot)[0] > page}
        if not large:
            return None
        most = max(large, key=lambda slot: self.load(node, slot)[0])
        axis = large[most]
        unit = self.chip.lanes if axis in node.laned else 1
        count = min(up(self.load(node, most)[0], page), up(node.extents[axis], unit))
        if count == 1:
            return None
        cuts = Cuts(split(node.extents[axis], count, unit), OWN)
        slots = frozenset(slot for slot, along in large.items() if along == axis)
        extents = [tuple(len(r) if i == axis else n for i, n in enumerate(node.extents)) for r in cuts.ranges]
        computed = tuple(node.work(n, c, h, w, node.reduction) for n, c, h, w in extents)
        return InParts(
            Parts(axis, cuts, slots), computed, {slot: self._pieces(node, slot, axis, cuts) for slot in slots}
        )

    def _pieces(self, node: Node, slot: int, axis: int, cuts: Cuts) -> tuple[int, tuple[int, ...]]:
        operand = node.operands[slot]
        at = operand.access.index(Follows(axis))
        a, b, c, d = operand.extents
        frames = [(*(len(r) if i == at else n for i, n in enumerate((a, b, c, d))),) for r in cuts.ranges]
        sizes = (lane_bytes((n, c, h, w), operand.itemsize, self.chip) for n, c, h, w in frames)
        return max(sizes), tuple(move(frame, operand, node, self.chip) for frame in frames)

    def node(self, node: Node) -> tuple[int, int, int, int]:
        """Bytes of the result, bytes of the temporaries, cycles of computing it, and of storing it."""
        if node not in self._nodes:
            scratch = node.temporaries * lane_bytes(node.extents, ACCUMULATOR, self.chip)
            self._nodes[node] = (
                lane_bytes(node.extents, node.itemsize, self.chip),
                scratch,
                node.work(*node.extents, node.reduction),
                transfer(node.extents, node.extents, node.itemsize, self.chip, store=True),
            )
        return self._nodes[node]

    def computing(self, node: Node, links: Links) -> int:
        """Cycles of computing the whole op in a group of these links."""
        return links.work(node)(*node.extents, node.reduction) if node.moves else self.node(node)[2]

    def least(self, node: Node) -> tuple[int, int]:
        """Cycles of the op on each engine that no tiling saves: a core's share of it, and loading its weights once."""
        weights = (slot for slot, operand in enumerate(node.operands) if isinstance(operand.value.owner, WeightOp))
        return self.node(node)[2] // self.chip.cores, sum(self.load(node, slot)[1] for slot in weights)

    def floor(self, nodes: Sequence[Node], stored: Iterable[SSAValue]) -> int:
        """Cycles of the slower engine alone when each tensor from outside is loaded once, cores sharing the rest."""
        outside, made = dict[LoadKey, int](), {node.output: node for node in nodes}
        for node in nodes:
            for slot, operand in enumerate(node.operands):
                if operand.value not in made:
                    outside[load_key(node, operand, slot)] = self.load(node, slot)[1]
        moves = sum(outside.values()) + sum(self.node(made[value])[3] for value in stored)
        links = links_of(nodes).whole()
        return max(moves, sum(self.computing(node, links) for node in nodes) // self.chip.cores)


def weights_along(node: Node) -> dict[int, int]:
    """By slot, an op's constants that nothing else reads, and the axis of the result that one of theirs follows."""
    if node.moves or node.view:
        return {}
    return {
        slot: entry.axis
        for slot, operand in enumerate(node.operands)
        if isinstance(operand.value.owner, WeightOp) and not operand.everywhere and operand.value.has_one_use()
        for entry in operand.access
        if isinstance(entry, Follows) and entry == Follows(entry.axis) and entry.axis < len(node.extents)
    }


def flow(nodes: Sequence[Node], stored: Iterable[SSAValue], sizes: Sizes, room: int) -> Flow | None:
    """The flow of a group in `room` bytes a lane, or None where even loads just in time don't fit."""
    links = links_of(nodes).whole()
    kept = {links.roots.get(value, value) for value in stored}
    inside = {node: parts for node in nodes if (parts := sizes.parts(node))}
    ends = list(accumulate((len(inside[node].computed) if node in inside else 1 for node in nodes), initial=0))
    loads = list(_loads(nodes, links, sizes, inside, ends))
    used = _used(nodes, kept, links, loads, ends, sizes)
    if max(used) > room:
        return None
    starts, earliest = dict[LoadKey, list[int]](), 0
    for load in loads:
        start = load.first
        while start > earliest and used[start - 1] + load.size <= room:
            start -= 1
            used[start] += load.size
        earliest = start
        starts.setdefault(load.key, []).append(start)
    computed = [c for n in nodes for c in (inside[n].computed if n in inside else (sizes.computing(n, links),))]
    each = [sizes.node(node)[3] for node in nodes if node.output in kept]
    return Flow(
        {key: tuple(turns) for key, turns in starts.items()},
        {node: made.parts for node, made in inside.items()},
        _time(computed, loads, starts, each),
        sum(load.cycles for load in loads) + sum(each),
    )


def _loads(
    nodes: Sequence[Node], links: Links, sizes: Sizes, inside: dict[Node, InParts], ends: Sequence[int]
) -> Iterator[_Load]:
    """In order of use; what an op reads in every part comes before what it loads in parts."""
    seen, laid, made = set[LoadKey](), set[int](), {node.output for node in nodes}
    for i, node in enumerate(nodes):
        pieces = inside[node].loads if node in inside else {}
        for slot, operand in enumerate(node.operands):
            root = links.roots.get(operand.value, operand.value)
            key = load_key(node, operand, slot)
            if root in made or key in seen or slot in pieces:
                continue
            seen.add(key)
            size, cycles = sizes.load(node, slot)
            if node.moves:
                # The first load brings the result's buffer, which has its own place from the op onwards.
                yield _Load(key, 0 if i in laid else sizes.node(node)[0], cycles, ends[i], ends[i] - 1)
                laid.add(i)
            else:
                yield _Load(key, size, cycles, ends[i], ends[links.uses[root][-1] + 1] - 1)
        for part in range(ends[i + 1] - ends[i]):
            for slot, (size, cycles) in pieces.items():
                turn = ends[i] + part
                yield _Load(load_key(node, node.operands[slot], slot), size, cycles[part], turn, turn)


def _used(
    nodes: Sequence[Node], kept: set[SSAValue], links: Links, loads: Sequence[_Load], ends: Sequence[int], sizes: Sizes
) -> list[int]:
    """The bytes a lane that are taken in each turn if every load comes just in time."""
    change = [0] * (ends[-1] + 1)
    for i, node in enumerate(nodes):
        size, scratch, _, _ = sizes.node(node)
        change[ends[i]] += scratch
        change[ends[i + 1]] -= scratch
        if node.output not in links.roots:
            last = len(nodes) - 1 if node.output in kept else max(links.uses.get(node.output, [i]))
            change[ends[links.firsts[node.output]]] += size
            change[ends[last + 1]] -= size
    for load in loads:
        change[load.first] += load.size
        change[load.last + 1] -= load.size
    return list(accumulate(change[:-1]))


def _time(
    computed: Sequence[int], loads: Sequence[_Load], starts: dict[LoadKey, list[int]], stores: Sequence[int]
) -> int:
    """
    Both engines in order; a load begins once the turn before the one from which on it has its buffer is done.

    All stores but the last find time on the way.
    """
    tiu = gdma = 0
    done, turns = list[int](), {key: iter(given) for key, given in starts.items()}
    pending = iter([*loads, None])
    load = next(pending)
    for turn, cycles in enumerate(computed):
        while load is not None and load.first <= turn:
            before = next(turns[load.key]) - 1
            gdma = max(gdma, done[before] if before >= 0 else 0) + load.cycles
            tiu = max(tiu, gdma + DMA_LATENCY)
            load = next(pending)
        tiu += cycles
        done.append(tiu)
    return max(gdma + sum(stores), tiu + stores[-1]) + DMA_LATENCY
