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
from compiler.schedule.local_memory import Buffer, allocate, peak
from compiler.schedule.plan import Plan
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


@given(buffers(), st.booleans())
def test_buffers_that_live_together_lie_apart(wanted: list[Buffer], apart: bool) -> None:
    addresses = allocate(wanted, CHIP, apart)
    if addresses is None:
        assert apart or sum(b.size for b in wanted) > CHIP.lane_bytes
        return
    spans = [(a, a + b.size) for a, b in zip(addresses, wanted, strict=True)]
    assert all(a % CHIP.eu_bytes == 0 and a >= 0 and end <= CHIP.lane_bytes for a, end in spans)
    for i, one in enumerate(wanted):
        for j, other in enumerate(wanted[:i]):
            if one.start < other.stop and other.start < one.stop:
                assert spans[i][1] <= spans[j][0] or spans[j][1] <= spans[i][0]
                if apart and one.records & other.records:
                    assert bank_conflicts(CHIP, [spans[i], spans[j]]) == 0


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
    for tile in tiles(plan.grid):
        for i, node in enumerate(plan.nodes):
            for key, slices in plan.loads.items():
                here = plan.starts.get(key, 0) == i and key.slot < 0 and slices.parts == 1
                if here and not lane.repeats(key, slices.box(tile)):
                    lane.write(key, slices)
            slices = plan.results[node]
            if node.view:
                source = made.get(node.operands[0].value)
                lane.stamps[node] = lane.stamps[source if source else load_key(node, node.operands[0], 0)]
                continue
            if lane.repeats(node, slices.work(tile)):
                continue
            for start in slices.tmp:
                lane.scratch(start, 1)
            if slices.acc >= 0 and tile["k"] == 0:
                lane.write((node, "acc"), Slices(slices.axes, addr=(slices.acc,), size=1))
            if not slices.steps.driver or tile["k"] == 0:
                lane.write(node, slices)
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
