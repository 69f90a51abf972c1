"""Properties of cuts: they cover every tensor, follow from each other by the access maps, and stay within limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.ir import Operation

from compiler.dialects.access import C
from compiler.dialects.tpu.base import frame_of
from compiler.dialects.tpu.slices import DRIVERS, Cuts
from compiler.ir.network import Network
from compiler.schedule.cuts import Axes, Grid, split
from compiler.schedule.groups import grouped
from compiler.schedule.plan import Plan
from compiler.schedule.program import parts
from compiler.schedule.random_tilings import divide_at_random
from compiler.schedule.tiling import cut
from simulator.chip import Chip
from tests.compiler.schedule.test_any_tiling import NETWORKS, SMALL


@given(st.integers(1, 300), st.integers(1, 40), st.sampled_from([1, 4, 8]))
def test_a_split_covers_its_axis_in_even_units(extent: int, count: int, unit: int) -> None:
    units = -(-extent // unit)
    ranges = split(extent, min(count, units), unit)
    assert [i for r in ranges for i in r] == list(range(extent))
    assert all(r.start % unit == 0 for r in ranges)
    sizes = [-(-len(r) // unit) for r in ranges]
    assert max(sizes) - min(sizes) <= 1


def plans(network: Network, chip: Chip, seed: int | None) -> Iterator[Plan]:
    """The groups of a network, searched for or random."""
    for run in parts(network, chip):
        if not isinstance(run, Operation):
            made = grouped(run, chip, 2) if seed is None else divide_at_random(run, chip, Random(seed))
            yield from (plan for plan in made if isinstance(plan, Plan))


def tiles(grid: Grid) -> list[dict[str, int]]:
    """Every tile of a grid in order."""
    spans = [range(grid.secs[axis]) for axis in grid.order]
    return [dict(zip(grid.order, indices, strict=True)) for indices in product(*spans)]


def box(axes: Axes, tile: dict[str, int]) -> tuple[range, ...]:
    """The box of a tile."""
    return tuple(cuts.at(tile) for cuts in axes)


def holds(outer: tuple[range, ...], inner: tuple[range, ...]) -> bool:
    """Whether one box lies in another."""
    return all(not i or (o.start <= i.start and i.stop <= o.stop) for o, i in zip(outer, inner, strict=True))


SEEDS = st.none() | st.integers(0, 10**6)


@pytest.mark.parametrize("make", NETWORKS)
@given(seed=SEEDS)
def test_stores_cover_each_result_once(make: Callable[[], Network], seed: int | None) -> None:
    for plan in plans(make(), SMALL, seed):
        extents = {node.output: node.extents for node in plan.nodes}
        for value, slices in plan.stores.items():
            for cuts, extent in zip(slices.axes, extents[value], strict=True):
                assert [i for r in cuts.ranges for i in r] == list(range(extent))


@pytest.mark.parametrize("make", NETWORKS)
@given(seed=SEEDS)
def test_every_tile_has_what_its_ops_read(make: Callable[[], Network], seed: int | None) -> None:
    for plan in plans(make(), SMALL, seed):
        made = {node.output: plan.results[node] for node in plan.nodes}
        loads = {key.value: slices for key, slices in plan.loads.items() if key.slot < 0}
        for tile in tiles(plan.grid):
            for node in plan.nodes:
                if not all(plan.results[node].work(tile)):
                    continue
                for value, part in zip(node.op.operands, _parts(plan, node.op, tile), strict=True):
                    if part and (value in made or not node.moves):
                        held = made.get(value) or loads[value]
                        assert not all(part) or holds(held.box(tile), part)
            for value, slices in plan.stores.items():
                assert holds(made[value].box(tile), slices.box(tile))


def _parts(plan: Plan, op: Operation, tile: dict[str, int]) -> list[tuple[range, ...]]:
    node = next(node for node in plan.nodes if node.op is op)
    return [part.box for part in cut(node.op, plan.results[node].work(tile)).parts]


@pytest.mark.parametrize("make", NETWORKS)
@given(seed=SEEDS)
def test_a_load_stays_within_what_it_loads(make: Callable[[], Network], seed: int | None) -> None:
    for plan in plans(make(), SMALL, seed):
        for key, slices in plan.loads.items():
            whole = tuple(map(range, frame_of(key.value)))
            assert all(holds(whole, box(slices.axes, tile)) for tile in tiles(plan.grid))


@pytest.mark.parametrize("make", NETWORKS)
@given(seed=SEEDS)
def test_slices_of_channels_start_at_the_first_lane(make: Callable[[], Network], seed: int | None) -> None:
    for plan in plans(make(), SMALL, seed):
        loads = (slices for key, slices in plan.loads.items() if key.slot < 0)
        for slices in (*plan.results.values(), *loads):
            assert all(r.start % SMALL.lanes == 0 for r in slices.axes[C].ranges)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), min_size=1, max_size=4))
def test_the_longest_range_sizes_the_buffer(ranges: list[tuple[int, int]]) -> None:
    cuts = Cuts(tuple(range(start, start + length) for start, length in ranges), "h")
    assert cuts.longest == max(length for _, length in ranges)
    assert DRIVERS.index(cuts.driver) == 2
