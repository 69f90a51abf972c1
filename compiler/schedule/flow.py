"""
Groups of a single tile: every op runs once on whole tensors, and loads run ahead of it as far as memory has room.

Both engines work in order, so loads are issued in the order of their first use. Each is moved to the earliest position
in the group at which its bytes fit beside all that must be there then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from compiler.dialects.structure import WeightOp
from compiler.schedule.cost import move, transfer
from compiler.schedule.cuts import LoadKey, load_key
from compiler.schedule.demand import ACCUMULATOR, Links, links_of
from compiler.schedule.nodes import Node
from simulator.chip import Chip
from simulator.layout import lane_bytes
from simulator.timing import DMA_LATENCY


@dataclass(frozen=True)
class Flow:
    """
    `starts`: the op before which each load stands, in the order of the loads.

    `cycles` of the group, estimated, and those that its `moves` take.
    """

    starts: dict[LoadKey, int]
    cycles: int
    moves: int


@dataclass
class _Load:
    key: LoadKey
    size: int
    cycles: int
    first: int
    last: int


class Sizes:
    """Bytes a lane and cycles of whole tensors, worked out once for many groups."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self._loads = dict[tuple[SSAValue, bool], tuple[int, int]]()
        self._nodes = dict[Node, tuple[int, int, int, int]]()

    def load(self, node: Node, slot: int) -> tuple[int, int]:
        """Bytes and cycles of loading a whole operand."""
        operand = node.operands[slot]
        key = operand.value, operand.everywhere
        if key not in self._loads:
            size = lane_bytes(operand.extents, operand.itemsize, self.chip)
            self._loads[key] = size, move(operand.extents, operand, node, self.chip)
        return self._loads[key]

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

    def least(self, node: Node) -> tuple[int, int]:
        """Cycles of the op on each engine that no tiling saves: computing it, and loading its weights once."""
        weights = (slot for slot, operand in enumerate(node.operands) if isinstance(operand.value.owner, WeightOp))
        return self.node(node)[2], sum(self.load(node, slot)[1] for slot in weights)

    def floor(self, nodes: Sequence[Node], stored: Iterable[SSAValue]) -> int:
        """Cycles of the slower engine alone when each tensor from outside is loaded once."""
        outside, made = dict[LoadKey, int](), {node.output: node for node in nodes}
        for node in nodes:
            for slot, operand in enumerate(node.operands):
                if operand.value not in made:
                    outside[load_key(node, operand, slot)] = self.load(node, slot)[1]
        moves = sum(outside.values()) + sum(self.node(made[value])[3] for value in stored)
        return max(moves, sum(self.node(node)[2] for node in nodes))


def flow(nodes: Sequence[Node], stored: Iterable[SSAValue], sizes: Sizes, room: int) -> Flow | None:
    """The flow of a group in `room` bytes a lane, or None where even loads just in time don't fit."""
    links = links_of(nodes)
    roots, uses = links.roots, links.uses
    kept = {roots.get(value, value) for value in stored}
    loads = _loads(nodes, links, sizes)
    used = [0] * len(nodes)
    for i, node in enumerate(nodes):
        size, scratch, _, _ = sizes.node(node)
        used[i] += scratch
        if not node.view:
            end = len(nodes) if node.output in kept else max(uses.get(node.output, [i])) + 1
            for position in range(i, end):
                used[position] += size
    for load in loads:
        for position in range(load.first, load.last + 1):
            used[position] += load.size
    if max(used) > room:
        return None
    starts, earliest = dict[LoadKey, int](), 0
    for load in loads:
        start = load.first
        while start > earliest and used[start - 1] + load.size <= room:
            start -= 1
            used[start] += load.size
        starts[load.key] = earliest = start
    stores = sum(sizes.node(node)[3] for node in nodes if node.output in kept)
    return Flow(starts, _time(nodes, loads, starts, sizes, stores), sum(load.cycles for load in loads) + stores)


def _loads(nodes: Sequence[Node], links: Links, sizes: Sizes) -> list[_Load]:
    found = dict[LoadKey, _Load]()
    made = {node.output for node in nodes}
    for i, node in enumerate(nodes):
        for slot, operand in enumerate(node.operands):
            root = links.roots.get(operand.value, operand.value)
            key = load_key(node, operand, slot)
            if root not in made and key not in found:
                found[key] = _Load(key, *sizes.load(node, slot), i, links.uses[root][-1])
    return list(found.values())


def _time(nodes: Sequence[Node], loads: Sequence[_Load], starts: dict[LoadKey, int], sizes: Sizes, stores: int) -> int:
    """Both engines in order; a load begins once the op before its position is done."""
    tiu = gdma = 0
    done, pending = list[int](), iter([*loads, None])
    load = next(pending)
    for i, node in enumerate(nodes):
        while load is not None and load.first <= i:
            before = starts[load.key] - 1
            gdma = max(gdma, done[before] if before >= 0 else 0) + load.cycles
            tiu = max(tiu, gdma + DMA_LATENCY)
            load = next(pending)
        tiu += sizes.node(node)[2]
        done.append(tiu)
    return max(gdma, tiu) + stores + DMA_LATENCY
