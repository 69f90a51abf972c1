"""Global memory: tensors alive together lie apart, views share, and packing comes near the lower bound."""

from __future__ import annotations

import csv
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
from compiler.schedule.global_memory import Lifetime, lower_bound, pack
from simulator.isa.table import Region
from tests.compiler.schedule.test_any_tiling import SMALL, branches

HARD = Path(__file__).parents[4] / "shared" / "data" / "minimalloc"


def lifetime(start: int, steps: int, size: int) -> Lifetime:
    """A tensor from its first step and how many it lives."""
    return Lifetime(start, start + steps, size)


LIFETIMES = st.lists(st.builds(lifetime, st.integers(0, 20), st.integers(1, 9), st.integers(1, 99)), max_size=25)


@given(LIFETIMES)
def test_tensors_alive_together_lie_apart(wanted: list[Lifetime]) -> None:
    made = pack(wanted)
    for i, one in enumerate(wanted):
        assert made.offsets[i] + one.size <= made.peak
        for j, other in enumerate(wanted[:i]):
            if one.start < other.stop and other.start < one.stop:
                a, b = made.offsets[i], made.offsets[j]
                assert a + one.size <= b or b + other.size <= a


@given(LIFETIMES)
def test_the_bound_is_the_most_live_bytes(wanted: list[Lifetime]) -> None:
    live = (sum(t.size for t in wanted if t.start <= step < t.stop) for step in range(30))
    assert lower_bound(wanted) == max(live)
    assert pack(wanted).peak >= lower_bound(wanted)


def test_a_chain_takes_its_two_greatest_neighbours() -> None:
    made = pack([Lifetime(i, i + 2, 64 * size) for i, size in enumerate((3, 1, 4, 1, 5, 9, 2, 6))])
    assert made.peak == made.bound == 64 * 14


@pytest.mark.parametrize("case", "ABCDEFGHIJK")
def test_hard_cases_are_packed_within_half_again(case: str) -> None:
    path = HARD / f"{case}.1048576.csv"
    if not path.exists():
        pytest.skip(f"{path.name} isn't here")
    with path.open() as table:
        rows = [Lifetime(int(r["lower"]), int(r["upper"]), int(r["size"])) for r in csv.DictReader(table)]
    made = pack(rows)
    print(f"{case}: {made.peak / made.bound:.3f} of the lower bound")
    assert made.peak <= 1.5 * made.bound


def address(value: SSAValue) -> tuple[Region, int]:
    """Region and offset in a value's type."""
    encoding = tensor(value).encoding
    assert isinstance(encoding, IntegerAttr)
    return Region(encoding.value.data >> REGION_SHIFT), encoding.value.data & ((1 << REGION_SHIFT) - 1)


def test_views_lie_in_what_they_view() -> None:
    network = branches()
    divide(network, SMALL)
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
