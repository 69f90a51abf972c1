"""
What a tiling costs: cycles of each engine over all tiles, bytes moved, and an estimate of the time both take together.

Nothing is enumerated tile by tile. A slice's extents depend on the group axes one by one, so the tiles fall into few
kinds, and each is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from compiler.dialects.access import Follows, Frame, Whole
from compiler.dialects.tpu.slices import OWN, Cuts
from compiler.schedule.cuts import Grid, LoadKey, Tiling, joined, load_key, made_anew, parts_of
from compiler.schedule.fetching import fetching_order
from compiler.schedule.links import Links, links_of
from compiler.schedule.nodes import Node, Operand
from simulator.chip import Chip
from simulator.timing import DMA_LATENCY, DMA_SETUP, transfer_cycles

TRAFFIC = 0.35
"""What a cycle of the memory bus is worth in cycles, whether or not it is hidden: other groups could use it."""


def price(cycles: float, moves: int) -> float:
    """By what ways to run a group are compared: its time, and a share of what the moves take."""
    return cycles + TRAFFIC * moves


@dataclass(frozen=True)
class Cost:
    """
    `compute` and `moves` are the engines' cycles over all tiles, `first` those of the loads that the first op of the
    first tile waits for, `last` those of the last tile's stores; `bytes` cross the border of global memory.

    `rare` and `rare_moves` are the parts for what isn't handled in every tile: little else happens then.
    """

    compute: int
    moves: int
    first: int
    last: int
    bytes: int
    rare: int
    rare_moves: int

    def beside(self, cores: int) -> Cost:
        """One core's cost where so many do as much at once: all their bytes are on one bus, and then they meet."""
        meeting = 2 * (DMA_SETUP + DMA_LATENCY)
        return replace(
            self,
            moves=self.moves * cores,
            first=self.first * cores,
            last=self.last * cores + meeting,
            bytes=self.bytes * cores,
            rare_moves=self.rare_moves * cores,
        )

    def cycles(self, ops: int, overlapped: bool) -> int:
        """
        An estimate of the group's time: the slower engine's, and the edges where the other has nothing to do.

        With single buffers a move waits for the one op that uses its buffer, while the other ops go on.
        """
        waiting = 0 if overlapped else min(self.compute, self.moves) // ops
        rare_moves = self.rare_moves if self.rare else 0
        steady = max(self.compute - self.rare, self.moves - rare_moves) + max(self.rare, rare_moves)
        return steady + waiting + self.first + self.last + DMA_LATENCY


def executions(axes: Sequence[Cuts], grid: Grid) -> Iterator[tuple[int, tuple[int, ...]]]:
    """How often boxes of which extents are handled: not again while the box is that of the tile before."""
    driving = [axis for axis in grid.order if grid.secs[axis] > 1 and any(cuts.driver == axis for cuts in axes)]
    slower = grid.order[: grid.order.index(driving[-1])] if driving else ""
    again = prod(grid.secs[axis] for axis in slower if axis not in driving)
    kinds = [
        Counter(tuple(len(cuts.ranges[i]) for cuts in axes if cuts.driver == axis) for i in range(grid.secs[axis]))
        for axis in driving
    ]
    whole = [len(cuts.ranges[0]) for cuts in axes]
    for chosen in product(*(kind.items() for kind in kinds)):
        extents = list(whole)
        for axis, (lengths, _) in zip(driving, chosen, strict=True):
            for i, length in zip((i for i, cuts in enumerate(axes) if cuts.driver == axis), lengths, strict=True):
                extents[i] = length
        yield again * prod(count for _, count in chosen), tuple(extents)


def _pieces(extents: Sequence[int], axes: Sequence[Cuts]) -> Iterator[tuple[int, ...]]:
    """The extents of each of the parts that an op's tile is handled in."""
    own = next((axis for axis, cuts in enumerate(axes) if cuts.driver == OWN), None)
    if own is None:
        yield tuple(extents)
        return
    for part in axes[own].ranges:
        yield (*extents[:own], len(part), *extents[own + 1 :])


def cost(nodes: Sequence[Node], tiling: Tiling, chip: Chip, links: Links | None = None) -> Cost:
    """The cost of a group cut so. `links` spares working them out again."""
    grid = tiling.grid
    compute = moves = first = total = rare = rare_moves = 0
    seen, linked = set[LoadKey](), (links or links_of(nodes)).of(tiling)
    runs = dict[Node, int]()
    for node in nodes:
        axes, computing = tiling.results[node], linked.work(node)
        work = (*joined(axes), tiling.steps[node])
        kinds = [(times, extents) for times, extents in executions(work, grid) if all(extents)]
        runs[node] = sum(times for times, _ in kinds)
        cycles = sum(times * computing(*piece) for times, extents in kinds for piece in _pieces(extents, axes))
        compute += cycles
        rare += 0 if made_anew(work, grid) else cycles
    for i, node in enumerate(nodes):
        for slot, operand in enumerate(node.operands):
            key = load_key(node, operand, slot)
            if key in seen or key not in tiling.loads:
                continue
            seen.add(key)
            axes = tiling.loads[key]
            if parts_of(axes) > 1:
                kinds = [(runs[node], extents) for extents in _pieces([cuts.longest for cuts in axes], axes)]
                anew = made_anew(tiling.results[node], grid)
            else:
                kinds, anew = list(executions(axes, grid)), made_anew(axes, grid)
            cycles = sum(times * move(extents, operand, node, chip) for times, extents in kinds)
            moves += cycles
            rare_moves += 0 if anew else cycles
            total += sum(times * prod(extents) for times, extents in kinds) * operand.itemsize
            first += move(kinds[0][1], operand, node, chip) if i == 0 else 0
    last = 0
    for value, axes in tiling.stores.items():
        node = next(node for node in nodes if node.output is value)
        whole, size = node.extents, node.itemsize
        kinds = list(executions(axes, grid))
        moves += sum(times * transfer(extents, whole, size, chip, store=True) for times, extents in kinds)
        total += sum(times * prod(extents) for times, extents in kinds) * size
        last += transfer(kinds[-1][1], whole, size, chip, store=True)
    return Cost(compute, moves, first, last, total, rare, rare_moves)


def move(extents: tuple[int, ...], operand: Operand, node: Node, chip: Chip) -> int:
    """Cycles of loading a box of an operand; of one that indices pick from, as many rows as they can make."""
    if not all(extents):
        return 0
    if not node.moves:
        return transfer(extents, operand.extents, operand.itemsize, chip, chip.lanes if operand.everywhere else 1)
    _, c, h, w = operand.extents
    strides = (c * h * w, h * w, w, 1)
    steps = [entry.scale if isinstance(entry, Follows) else 1 for entry in operand.access]
    order = node.order
    read = [
        min(extent, made) if isinstance(entry, Whole) else extent
        for extent, entry, made in zip(extents, operand.access, node.extents, strict=True)
    ]
    dims, far = [-(-read[axis] // steps[axis]) for axis in order], [strides[axis] * steps[axis] for axis in order]
    named = fetching_order(dims, far)
    return _transfer([dims[i] for i in named], [far[i] for i in named], operand.itemsize, chip, 1)


def transfer(
    extents: tuple[int, ...], whole: Frame, size: int, chip: Chip, copies: int = 1, *, store: bool = False
) -> int:
    """Cycles of moving a box of a tensor of extents `whole`, `size` bytes an element, to or from local memory."""
    _, c, h, w = whole
    return _transfer(extents, (c * h * w, h * w, w, 1), size, chip, copies, store=store)


def _transfer(
    dims: Sequence[int], strides: Sequence[int], size: int, chip: Chip, copies: int, *, store: bool = False
) -> int:
    length = runs = 1
    for extent, stride in zip(reversed(dims), reversed(strides), strict=True):
        if extent == 1:
            continue
        if runs == 1 and stride == length:
            length *= extent
        else:
            runs *= extent
    lanes = min(dims[1] * copies, chip.lanes)
    return transfer_cycles(chip, runs, length * size, prod(dims) * size * copies, lanes, store=store)
