"""Groups shared out among cores: what each has, and that it pays where arithmetic is what takes the time."""

from __future__ import annotations

from compiler.codegen.assemble import assemble
from compiler.dialects.tpu.slices import Cuts, uncut
from compiler.schedule.addresses import assign
from compiler.schedule.cuts import Grid, Tiling
from compiler.schedule.divide import divide
from compiler.schedule.plan import Plan
from compiler.schedule.sharing import axes, share, shared
from simulator.chip import Chip, variant
from simulator.concurrent import last_cycle, run_cores
from simulator.isa.table import Engine
from tests.compiler.schedule.networks import Builder, convolutions

TWO = Chip("two", 2, 4, 8192, 8, 8, 2, 1e9, 8e9)
"""Two cores of four lanes."""


def test_a_share_has_the_longer_range_of_every_turn() -> None:
    rows = Cuts((range(3), range(3, 7), range(7, 12), range(12, 14)), "h")
    grid = shared(Grid({"n": 1, "c": 1, "h": 2, "w": 1, "k": 1}), "h", 2)
    assert grid.secs["h"] == 4
    tiling = Tiling(grid)
    b = Builder()
    tiling.stores[b.input(1, 4, 14, 3)] = (uncut(1), uncut(4), rows, uncut(3))
    (mine,) = share(tiling, 2).stores.values()
    assert mine[2] == Cuts((range(7, 12), range(3, 7)), "h")
    assert share(tiling, 2).grid == Grid({**grid.secs, "h": 2})


def test_a_share_of_one_tile_is_not_cut() -> None:
    tiling = Tiling(shared(Grid({"n": 1, "c": 1, "h": 1, "w": 1, "k": 1}), "h", 2))
    tiling.stores[Builder().input(1, 4, 5, 3)] = (uncut(1), uncut(4), Cuts((range(2), range(2, 5)), "h"), uncut(3))
    (mine,) = share(tiling, 2).stores.values()
    assert mine[2] == Cuts((range(2, 5),))


def test_the_axes_that_are_long_enough() -> None:
    assert list(axes({"n": 1, "h": 8, "w": 8, "c": 2}, 2)) == ["h", "c"]
    assert list(axes({"n": 4, "h": 8, "w": 8, "c": 1}, 2)) == ["n"]
    assert list(axes({"n": 4, "h": 8, "w": 8, "c": 4}, 1)) == []


def test_two_cores_are_faster_where_arithmetic_takes_the_time() -> None:
    cycles = dict[int, int]()
    for cores in (1, 2):
        chip = variant(TWO, cores=cores)
        divided = convolutions(8, 32)
        plans = divide(divided, chip)
        assign(divided)
        model = assemble(divided, chip)
        cycles[cores] = last_cycle(run_cores(model.cores, chip))
        assert all(bool(plan.grid.split) == (cores == 2) for plan in plans if isinstance(plan, Plan))
        assert all(len(core.of(Engine.TIU)) > 1 for core in model.cores)
    assert cycles[2] < 0.7 * cycles[1]
