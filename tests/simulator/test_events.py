"""The event model, against a clock that ticks."""

from __future__ import annotations

from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.events import dma_costs, run, starts, tiu_costs
from simulator.isa.record import Command, encode
from simulator.isa.table import Engine
from simulator.order import Deadlock, order
from tests.simulator.hand_made import E8, copy_twice, local, model


def ticking(costs: tuple[list[int], list[int]], tails: tuple[int, int], waits: tuple[list[int], list[int]]) -> int:
    """Cycles until both streams are done, one cycle at a time."""
    done: tuple[list[int], list[int]] = ([], [])
    free, at, now = [0, 0], [0, 0], 0
    while at[0] < len(costs[0]) or at[1] < len(costs[1]):
        for engine in range(2):
            while at[engine] < len(costs[engine]) and free[engine] <= now:
                awaited = waits[engine][at[engine]]
                ends = done[1 - engine]
                if awaited and (len(ends) < awaited or ends[awaited - 1] > now):
                    break
                free[engine] = now + costs[engine][at[engine]]
                done[engine].append(free[engine] + tails[engine])
                at[engine] += 1
        now += 1
    return max(done[0] + done[1], default=0)


def copy(rows: int) -> Command:
    return Command("COPY", {"out": local(0, (1, 8, rows, 8)), "in": local(9000, (1, 8, rows, 8))})


@given(st.data())
def test_as_a_ticking_clock(data: st.DataObject) -> None:
    sequence = data.draw(st.lists(st.booleans(), max_size=14))
    waits: tuple[list[int], list[int]] = ([], [])
    for engine in map(int, sequence):
        waits[engine].append(data.draw(st.integers(0, len(waits[1 - engine]))))
    copies = st.integers(1, 40).map(copy)
    tiu = encode(data.draw(st.lists(copies, min_size=len(waits[0]), max_size=len(waits[0]))))
    gdma = encode([Command("DMA_END")] * len(waits[1]))
    tiu["wait"], gdma["wait"] = waits
    costs = tiu_costs(tiu, E8).tolist(), dma_costs(gdma, E8)[:, 0].tolist()
    timeline = run(tiu, gdma, E8)
    assert timeline.cycles == ticking(costs, (0, 128), waits)
    occupied, latency = dma_costs(gdma, E8)[:, :2].T
    by_code = starts(tiu_costs(tiu, E8), occupied, latency, tiu["wait"], gdma["wait"])
    for track, again in zip((timeline.tiu, timeline.gdma), by_code, strict=True):
        assert np.array_equal(track.end, again.end), "machine code says otherwise"


def test_a_program_by_hand() -> None:
    made = copy_twice()
    timeline = run(made.tiu, made.gdma, made.chip)
    load = 16 + 160  # 1,024 bytes at 6.4 a cycle
    assert timeline.gdma.free[0] == load
    assert timeline.gdma.end[0] == load + 128
    assert timeline.tiu.start[0] == load + 128
    assert timeline.tiu.end[0] == load + 128 + 24 + 16
    assert timeline.gdma.start[1] == timeline.tiu.end[0]
    assert timeline.payload.tolist() == [1024] * 8 + [0]


def test_deadlock_names_both_records() -> None:
    made = model([Command("NOP", wait=2)], [Command("DMA_END"), Command("DMA_END", wait=1)])
    with pytest.raises(Deadlock, match="TIU record 1 waits for GDMA record 2, GDMA record 2 waits for TIU record 1"):
        run(made.tiu, made.gdma, made.chip)


def test_order_keeps_engine_order_and_waits() -> None:
    assert order([1, 0, 2], [0, 2]) == [
        (Engine.GDMA, 0), (Engine.TIU, 0), (Engine.TIU, 1), (Engine.GDMA, 1), (Engine.TIU, 2),
    ]  # fmt: skip


def test_empty_streams_take_no_time() -> None:
    nothing = encode([])
    assert run(nothing, nothing, E8).cycles == 0


def test_a_hundred_thousand_records_a_second() -> None:
    made = copy_twice()
    tiu, gdma = np.tile(made.tiu, 5000), np.tile(made.gdma, 3000)
    tiu["wait"], gdma["wait"] = 0, 0
    spent: list[float] = []
    for _ in range(3):
        before = process_time()
        run(tiu, gdma, made.chip)
        spent.append(process_time() - before)
    assert (len(tiu) + len(gdma)) / min(spent) > 1e5
