"""Which buffers a tiled group needs in local memory, how long they live within a tile, and what uses them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.ir import SSAValue

from compiler.dialects.access import Frame
from compiler.ir.storage import itemsize
from compiler.schedule.cuts import Axes, LoadKey, Tiling, made_anew
from compiler.schedule.local_memory import Buffer
from compiler.schedule.nodes import Node
from simulator.chip import Chip
from simulator.layout import lane_bytes

ACCUMULATOR = 4
"""Bytes of an f32 or i32 accumulator or temporary."""


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


@dataclass(frozen=True)
class Links:
    """For a group's values: in whose buffer each view lies, and at which positions each is an operand."""

    roots: Mapping[SSAValue, SSAValue]
    uses: Mapping[SSAValue, Sequence[int]]


def links_of(nodes: Sequence[Node]) -> Links:
    """The links of a group; a view's uses are its root's."""
    roots = dict[SSAValue, SSAValue]()
    for node in nodes:
        if node.view:
            source = node.operands[0].value
            roots[node.output] = roots.get(source, source)
    uses = dict[SSAValue, list[int]]()
    for i, node in enumerate(nodes):
        for operand in node.operands:
            uses.setdefault(roots.get(operand.value, operand.value), []).append(i)
    return Links(roots, uses)


def demand(
    nodes: Sequence[Node],
    tiling: Tiling,
    chip: Chip,
    doubled: bool,
    starts: Mapping[LoadKey, int] | None = None,
    links: Links | None = None,
) -> Demand:
    """
    The buffers of a group, live over the positions of its ops within a tile.

    What is loaded and what is stored lives throughout, for the moves of the tiles before and after overlap this one;
    with `doubled` it has two buffers where it changes from tile to tile. So does what isn't made anew in every tile.
    In a group of one tile `starts` may say before which op each load stands: it lives from there to its last use, and
    what is stored from where it is made. `links` spares working them out again.
    """
    made, always = Demand(), range(len(nodes))
    links = links or links_of(nodes)
    roots, uses = links.roots, links.uses
    stored = {roots.get(value, value) for value in tiling.stores}
    for key, axes in tiling.loads.items():
        if key.slot < 0:
            size = lane_bytes(held(axes), itemsize(key.value), chip)
            users = uses[key.value]
            live = range(starts[key], users[-1] + 1) if starts else always
            made.loads[key] = made.add(1 + (doubled and _changes(axes)), size, live, frozenset(users))
    for i, node in enumerate(nodes):
        if node.view:
            continue
        axes, users = tiling.results[node], (i, *uses.get(node.output, ()))
        kept = node.output in stored or not made_anew(axes, tiling.grid)
        count = 1 + (doubled and _changes(axes) and node.output in stored)
        live = range(i, len(nodes)) if kept and starts else always if kept else range(i, max(users) + 1)
        made.results[node] = made.add(count, lane_bytes(held(axes), node.itemsize, chip), live, frozenset(users))
        scratch, here = lane_bytes(held(axes), ACCUMULATOR, chip), range(i, i + 1)
        if len(tiling.steps[node].ranges) > 1:
            (made.accumulators[node],) = made.add(1, scratch, always, frozenset(here))
        made.temporaries[node] = made.add(node.temporaries, scratch, here, frozenset(here))
    return made


def held(axes: Axes) -> Frame:
    """The frame of the largest slice."""
    n, c, h, w = (cuts.longest for cuts in axes)
    return n, c, h, w


def _changes(axes: Axes) -> bool:
    """Whether not all tiles handle the same box."""
    return any(cuts.driver for cuts in axes)
