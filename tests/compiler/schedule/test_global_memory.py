"""Global memory: tensors alive together lie apart, views share, and no packing has a lower top."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import SSAValue

from compiler.dialects.fields import integer
from compiler.dialects.structure import InputOp
from compiler.dialects.tpu.group import GroupOp
from compiler.dialects.tpu.movement import ConcatOp, ReshapeOp
from compiler.ir.network import tensor
from compiler.schedule.addresses import ALIGNMENT, REGION_SHIFT, assign
from compiler.schedule.divide import divide
from compiler.schedule.exact import Exact
from compiler.schedule.global_memory import pack
from compiler.schedule.lifetimes import Lifetime, lower_bound
from simulator.isa.table import Region
from tests.compiler.schedule.test_any_tiling import SMALL, branches

HARD = Path(os.environ.get("TPUFLOW_MINIMALLOC") or Path(__file__).parents[4] / "shared" / "data" / "minimalloc")


def lifetime(start: int, steps: int, size: int) -> Lifetime:
    """A tensor from its first step and how many it lives."""
    return Lifetime(start, start + steps, size)


LIFETIMES = st.lists(st.builds(lifetime, st.integers(0, 20), st.integers(1, 9), st.integers(1, 99)), max_size=25)
FEW = st.lists(st.builds(lifetime, st.integers(0, 5), st.integers(1, 5), st.integers(0, 9)), min_size=3, max_size=6)


GREEDY_FAILS = [lifetime(*t) for t in ((4, 5, 2), (4, 2, 3), (5, 4, 4), (6, 4, 5), (4, 5, 1), (2, 3, 5))]
"""They fit in 12 bytes; every greedy order takes 15."""


def packed(wanted: Sequence[Lifetime], offsets: Sequence[int]) -> int:
    """The top of a packing, once it is clear that no two tensors share a byte while both live."""
    for i, one in enumerate(wanted):
        assert offsets[i] >= 0
        for j, other in enumerate(wanted[:i]):
            if one.start < other.stop and other.start < one.stop:
                assert offsets[i] + one.size <= offsets[j] or offsets[j] + other.size <= offsets[i]
    return max((offset + t.size for offset, t in zip(offsets, wanted, strict=True)), default=0)


def least_top(wanted: Sequence[Lifetime]) -> int:
    """The lowest top there is: one of the orders of placing tensors as low as they can lie reaches it."""

    def top(order: Sequence[Lifetime]) -> int:
        placed = list[tuple[Lifetime, int]]()
        for one in order:
            spans = sorted((at, at + t.size) for t, at in placed if one.start < t.stop and t.start < one.stop)
            at = 0
            for start, stop in spans:
                if start - at >= one.size:
                    break
                at = max(at, stop)
            placed.append((one, at))
        return max(at + t.size for t, at in placed)

    return min(map(top, permutations(wanted)))


@given(LIFETIMES)
def test_tensors_alive_together_lie_apart(wanted: list[Lifetime]) -> None:
    made = pack(wanted)
    assert packed(wanted, made.offsets) == made.peak


@given(FEW)
def test_what_is_called_optimal_is_the_least_of_all_packings(wanted: list[Lifetime]) -> None:
    made = pack(wanted)
    assert made.optimal
    assert packed(wanted, made.offsets) == made.peak == least_top(wanted)


@given(FEW)
def test_a_capacity_is_met_or_refuted(wanted: list[Lifetime]) -> None:
    exact, least = Exact(wanted), least_top(wanted)
    offsets, _ = exact.fitting(least, 1000)
    assert offsets is not None
    assert packed(wanted, offsets) == least
    assert exact.fitting(least - 1, 1000) == (None, True)


def test_the_search_finds_what_no_greedy_order_does() -> None:
    assert pack(GREEDY_FAILS, nodes=0).peak == 15
    assert pack(GREEDY_FAILS).peak == lower_bound(GREEDY_FAILS) == 12


def test_a_search_cut_short_keeps_what_it_has() -> None:
    made = pack(GREEDY_FAILS, nodes=1)
    assert packed(GREEDY_FAILS, made.offsets) == made.peak <= 15


@given(LIFETIMES)
def test_the_bound_is_the_most_live_bytes(wanted: list[Lifetime]) -> None:
    live = (sum(t.size for t in wanted if t.start <= step < t.stop) for step in range(30))
    assert lower_bound(wanted) == max(live)
    assert pack(wanted).peak >= lower_bound(wanted)


def test_a_chain_takes_its_two_greatest_neighbours() -> None:
    made = pack([Lifetime(i, i + 2, 64 * size) for i, size in enumerate((3, 1, 4, 1, 5, 9, 2, 6))])
    assert made.peak == made.bound == 64 * 14


@pytest.mark.parametrize("case", "ABCDEFGHIJK")
def test_minimallocs_cases_fit_in_their_capacity(case: str) -> None:
    path = HARD / f"{case}.1048576.csv"
    if not path.exists():
        pytest.skip(f"{path.name} isn't here")
    with path.open() as table:
        rows = [Lifetime(int(r["lower"]), int(r["upper"]), int(r["size"])) for r in csv.DictReader(table)]
    offsets, _ = Exact(rows).fitting(1 << 20, 500_000)
    assert offsets is not None
    assert packed(rows, offsets) <= 1 << 20


def address(value: SSAValue) -> tuple[Region, int]:
    """Region and offset in a value's type."""
    encoding = tensor(value).encoding
    assert isinstance(encoding, IntegerAttr)
    return Region(encoding.value.data >> REGION_SHIFT), encoding.value.data & ((1 << REGION_SHIFT) - 1)


def test_views_lie_in_what_they_view() -> None:
    network = branches()
    divide(network, SMALL, seed=78)
    assign(network)
    ops = list(network.ops)
    (concat,) = (op for op in ops if isinstance(op, ConcatOp))
    region, start = address(concat.output)
    assert [address(value) for value in concat.inputs] == [(region, start), (region, start + 5 * 8 * 7)]
    for op in ops:
        if isinstance(op, ReshapeOp):
            assert address(op.input) == address(op.output)


def test_inputs_and_results_lie_in_io_and_sizes_are_stated() -> None:
    network = branches()
    divide(network, SMALL)
    packing = assign(network)
    entry = next(op for op in network.ops if isinstance(op, InputOp))
    assert address(entry.output) == address(entry.input) == (Region.IO, 0)
    last = network.main.body.block.last_op
    assert last is not None
    assert address(last.operands[0])[0] is Region.IO
    assert network.module.attributes["module.neuron_size"] == integer(packing.peak)
    for op in network.ops:
        for value in op.results if isinstance(op, GroupOp) else ():
            region, offset = address(value)
            inside = any(isinstance(use.operation, ConcatOp) for use in value.uses)
            assert inside or offset % ALIGNMENT == 0
            assert region in (Region.ACTIVATION, Region.IO)
