"""Local memory: nothing that is still needed is overwritten, and operands of a record lie in banks apart."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.dialects.tpu.slices import Slices
from compiler.ir.network import Network
from compiler.schedule.cuts import load_key
from compiler.schedule.links import links_of
from compiler.schedule.local_memory import Buffer, allocate, peak
from compiler.schedule.nodes import Node
from compiler.schedule.plan import Plan
from compiler.schedule.report import tiling_of
from simulator.chip import CHIPS
from simulator.timing import bank_conflicts
from tests.compiler.schedule.test_any_tiling import NETWORKS, SMALL
from tests.compiler.schedule.test_tilings import SEEDS, plans, tiles

CHIP = CHIPS["e8"]


@st.composite
def buffers(draw: st.DrawFn) -> list[Buffer]:
    """Buffers of a few ops, each op using some of them."""
    made = list[Buffer]()
    for _ in range(draw(st.integers(1, 14))):
        start = draw(st.integers(0, 7))
        stop = start + draw(st.integers(1, 8 - start))
        records = draw(st.frozensets(st.integers(start, stop - 1), max_size=3))
        made.append(Buffer(CHIP.eu_bytes * draw(st.integers(1, 900)), start, stop, records))
    return made


def check(wanted: list[Buffer], addresses: list[int], apart: bool) -> None:
    """Whole vectors, within the lane, none over another that lives; with `apart` no two of a record in one bank."""
    spans = [(a, a + b.size) for a, b in zip(addresses, wanted, strict=True)]
    assert all(a % CHIP.eu_bytes == 0 and a >= 0 and end <= CHIP.lane_bytes for a, end in spans)
    for i, one in enumerate(wanted):
        for j, other in enumerate(wanted[:i]):
            if one.start < other.stop and other.start < one.stop:
                assert spans[i][1] <= spans[j][0] or spans[j][1] <= spans[i][0]
                if apart and one.records & other.records:
                    assert bank_conflicts(CHIP, [spans[i], spans[j]]) == 0


@given(buffers(), st.booleans(), st.booleans())
def test_buffers_that_live_together_lie_apart(wanted: list[Buffer], apart: bool, from_top: bool) -> None:
    addresses = allocate(wanted, CHIP, apart, from_top)
    if addresses is None:
        assert apart or sum(b.size for b in wanted) > CHIP.lane_bytes
        return
    check(wanted, addresses, apart)


@given(buffers(), st.booleans(), st.integers(0, 7), st.integers(0, 30))
def test_what_has_an_address_keeps_it(wanted: list[Buffer], from_top: bool, until: int, bank: int) -> None:
    held = Buffer(CHIP.bank_bytes, 0, until + 1, address=bank * CHIP.bank_bytes // 2)
    addresses = allocate([*wanted, held], CHIP, from_top=from_top)
    if addresses is not None:
        assert addresses[-1] == held.address
        check([*wanted, held], addresses, apart=False)


def test_from_the_top_everything_lies_as_high_as_it_can() -> None:
    size = CHIP.bank_bytes // 2
    assert allocate([Buffer(size, 0, 1), Buffer(size, 1, 2)], CHIP, from_top=True) == [CHIP.lane_bytes - size] * 2


def test_what_first_fit_rejects_is_packed_by_search() -> None:
    unit = CHIP.lane_bytes // 12 // CHIP.eu_bytes * CHIP.eu_bytes
    tight = [Buffer(size * unit, a, a + n) for a, n, size in TIGHT]
    addresses = allocate(tight, CHIP)
    assert peak(tight) == 12 * unit
    assert addresses is not None
    check(tight, addresses, apart=False)


TIGHT = ((4, 5, 2), (4, 2, 3), (5, 4, 4), (6, 4, 5), (4, 5, 1), (2, 3, 5))
"""Start, positions and size of buffers that fit in 12, where every order of first fit takes 15."""


@given(buffers())
def test_peak_is_the_most_bytes_live_at_once(wanted: list[Buffer]) -> None:
    assert peak(wanted) == max(sum(b.size for b in wanted if b.start <= p < b.stop) for p in range(8))


@dataclass
class Lane:
    """Who wrote each byte of a lane last, replayed from a plan."""

    owner: np.ndarray = field(default_factory=lambda: np.full(SMALL.lane_bytes, -1))
    stamps: dict[Hashable, tuple[int, int, int]] = field(default_factory=dict[Hashable, tuple[int, int, int]])
    boxes: dict[Hashable, object] = field(default_factory=dict[Hashable, object])
    runs: dict[Hashable, int] = field(default_factory=dict[Hashable, int])
    clock: int = 0

    def repeats(self, who: Hashable, box: object) -> bool:
        """Whether the box is that of the tile before."""
        if self.boxes.get(who) == box:
            return True
        self.boxes[who] = box
        return False

    def write(self, who: Hashable, slices: Slices) -> None:
        """A new execution fills the buffer whose turn it is."""
        turn = self.runs.get(who, 0)
        self.runs[who] = turn + 1
        start = slices.addr[turn % len(slices.addr)]
        self.clock += 1
        self.owner[start : start + slices.size] = self.clock
        self.stamps[who] = start, start + slices.size, self.clock

    def scratch(self, start: int, size: int) -> None:
        """Bytes that an op uses for itself."""
        self.clock += 1
        self.owner[start : start + size] = self.clock

    def check(self, who: Hashable) -> None:
        """What was written last is all still there."""
        start, stop, stamp = self.stamps[who]
        assert (self.owner[start:stop] == stamp).all()


def replay(plan: Plan) -> None:
    """Run a plan tile by tile in its order of meaning."""
    lane, last_k = Lane(), plan.grid.secs["k"] - 1
    made = {node.output: node for node in plan.nodes}
    links = links_of(plan.nodes).of(tiling_of(plan))
    for tile in tiles(plan.grid):
        begun = set[Node]()
        for i, node in enumerate(plan.nodes):
            for key, slices in plan.loads.items():
                here = plan.starts.get(key, 0) == i and key.slot < 0 and slices.parts == 1
                if here and not lane.repeats(key, slices.box(tile)):
                    lane.write(key, slices)
            slices, root = plan.results[node], made[links.roots.get(node.output, node.output)]
            assert slices.addr == plan.results[root].addr
            if node.output in links.views:
                lane.stamps[node] = lane.stamps[root]
                continue
            if lane.repeats(node, slices.work(tile)):
                continue
            for start in slices.tmp:
                lane.scratch(start, 1)
            if slices.acc >= 0 and tile["k"] == 0:
                lane.write((node, "acc"), Slices(slices.axes, addr=(slices.acc,), size=1))
            if root not in begun and (not slices.steps.driver or tile["k"] == 0):
                begun.add(root)
                lane.write(root, plan.results[root])
            lane.stamps[node] = lane.stamps[root]
            for _ in range(slices.parts):
                for slot, operand in enumerate(node.operands):
                    key = load_key(node, operand, slot)
                    if key in plan.loads and plan.loads[key].parts > 1:
                        lane.write(key, plan.loads[key])
                    if operand.value in made or not node.moves:
                        lane.check(made.get(operand.value) or key)
                lane.check(node)
            if slices.acc >= 0:
                lane.check((node, "acc"))
        for value, slices in plan.stores.items():
            if tile["k"] == last_k and not lane.repeats(("store", value), slices.box(tile)):
                lane.check(made[value])


@pytest.mark.parametrize("make", NETWORKS)
@given(seed=SEEDS)
def test_what_is_read_is_what_was_written(make: Callable[[], Network], seed: int | None) -> None:
    for plan in plans(make(), SMALL, seed):
        replay(plan)
