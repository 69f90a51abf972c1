"""Which buffers a tiled group needs in local memory, how long they live within a tile, and what uses them together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from compiler.dialects.access import Frame
from compiler.ir.storage import itemsize
from compiler.schedule.cuts import Axes, LoadKey, Tiling, joined, load_key, made_anew, parts_of
from compiler.schedule.links import Links, links_of
from compiler.schedule.local_memory import Buffer
from compiler.schedule.nodes import Node
from simulator.chip import Chip
from simulator.layout import lane_bytes

ACCUMULATOR = 4
"""Bytes of an f32 or i32 accumulator or temporary."""


Starts = Mapping[LoadKey, Sequence[int]]
"""For each load of a group of one tile, the turn from which on it has its buffer; for one in parts, for each part."""


@dataclass
class Demand:
    """The buffers of a group, and by their numbers whose they are."""

    buffers: list[Buffer] = field(default_factory=list[Buffer])
    loads: dict[LoadKey, list[int]] = field(default_factory=dict[LoadKey, list[int]])
    results: dict[Node, list[int]] = field(default_factory=dict[Node, list[int]])
    accumulators: dict[Node, int] = field(default_factory=dict[Node, int])
    temporaries: dict[Node, list[int]] = field(default_factory=dict[Node, list[int]])

    def add(self, count: int, size: int, live: range, records: frozenset[int]) -> list[int]:
        """Enter `count` like buffers; their numbers."""
        first = len(self.buffers)
        self.buffers += [Buffer(size, live.start, live.stop, records)] * count
        return list(range(first, first + count))


def demand(
    nodes: Sequence[Node],
    tiling: Tiling,
    chip: Chip,
    doubled: bool,
    starts: Starts | None = None,
    links: Links | None = None,
) -> Demand:
    """
    The buffers of a group, live over the turns of its ops within a tile (`turns_of`).

    What is loaded and what is stored lives throughout, for the moves of the tiles before and after overlap this one
    (what an op moves is loaded into its result); with `doubled` it has two buffers where it changes from tile to tile,
    and what is loaded in parts always has. So does what isn't made anew in every tile. In a group of one tile `starts`
    may say from which turn on each load has its buffer, each part one of its own: it lives from there to its last use,
    and what is stored from where it is made. `links` spares working them out again.
    """
    made, turns = Demand(), turns_of(nodes, tiling)
    always = range(turns[-1].stop)
    links = (links or links_of(nodes)).of(tiling)
    roots, uses = links.roots, links.uses
    stored = {roots.get(value, value) for value in tiling.stores}
    for key, axes in tiling.loads.items():
        if key.slot >= 0:
            continue
        size = lane_bytes(held(axes), itemsize(key.value), chip)
        users = [turns[user] for user in uses[key.value]]
        if starts and parts_of(axes) > 1:
            lives = [
                (range(start, turn + 1), frozenset((turn,))) for start, turn in zip(starts[key], users[0], strict=True)
            ]
        else:
            live, records = range(starts[key][0], users[-1].stop) if starts else always, links.records(key.value, turns)
            lives = [(live, records)] * (2 if parts_of(axes) > 1 else 1 + (doubled and _changes(axes)))
        made.loads[key] = [number for live, records in lives for number in made.add(1, size, live, records)]
    for i, node in enumerate(nodes):
        axes = joined(tiling.results[node])
        scratch, here = lane_bytes(held(axes), ACCUMULATOR, chip), turns[i]
        if len(tiling.steps[node].ranges) > 1:
            (made.accumulators[node],) = made.add(1, scratch, always, frozenset(here))
        made.temporaries[node] = made.add(node.temporaries, scratch, here, frozenset(here))
        if node.output in roots:
            continue
        begin, last = turns[links.firsts[node.output]].start, max(uses.get(node.output, (i,)))
        loaded = [key for key in loads_into(node) if key in tiling.loads]
        moved = node.output in stored or bool(loaded)
        kept = moved or not made_anew(axes, tiling.grid)
        count = 1 + (doubled and _changes(axes) and moved)
        if starts:
            first = min([begin, *(starts[key][0] for key in loaded)])
            live = range(first, always.stop if node.output in stored else turns[last].stop)
        else:
            live = always if kept else range(begin, turns[last].stop)
        size = lane_bytes(held(axes), node.itemsize, chip)
        made.results[node] = made.add(count, size, live, links.records(node.output, turns))
    return made


def turns_of(nodes: Sequence[Node], tiling: Tiling) -> list[range]:
    """Of each op of a group the turns of its parts, counted on from op to op."""
    ends = list(accumulate((parts_of(tiling.results[node]) for node in nodes), initial=0))
    return [range(a, b) for a, b in pairwise(ends)]


def loads_into(node: Node) -> Iterator[LoadKey]:
    """The loads there would be straight into the node's result, were all operands from outside."""
    keys = (load_key(node, operand, slot) for slot, operand in enumerate(node.operands))
    return (key for key in keys if key.slot >= 0)


def held(axes: Axes) -> Frame:
    """The frame of the largest slice."""
    n, c, h, w = (cuts.longest for cuts in axes)
    return n, c, h, w


def _changes(axes: Axes) -> bool:
    """Whether not all tiles handle the same box."""
    return any(cuts.driver for cuts in axes)
