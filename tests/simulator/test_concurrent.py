"""Two cores in time, against a clock that ticks and hands out the bus byte by byte."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.chip import variant
from simulator.concurrent import last_cycle, run_cores
from simulator.cores import Streams, messages
from simulator.events import dma_costs, run, tiu_costs
from simulator.isa.record import Command, encode
from simulator.isa.table import DType, Region
from simulator.timing import DMA_LATENCY, DMA_SETUP
from tests.simulator.hand_made import far, local
from tests.simulator.two_cores import X32, halves


class Ticking:
    """One core's engines, cycle by cycle."""

    def __init__(self, streams: Streams) -> None:
        self.costs: list[int] = tiu_costs(streams.tiu, X32).tolist()
        self.moves: list[list[int]] = dma_costs(streams.gdma, X32).tolist()
        self.waits: tuple[list[int], list[int]] = streams.tiu["wait"].tolist(), streams.gdma["wait"].tolist()
        self.ends: tuple[list[int], list[int]] = ([], [])
        self.computing = self.left = 0
        self.moving = False
        self.began, self.need = 0, Fraction(0)

    @property
    def done(self) -> bool:
        return (len(self.ends[0]), len(self.ends[1])) == (len(self.costs), len(self.moves)) and not self.moving

    def knows(self, engine: int, now: int) -> bool:
        wait, ends = self.waits[engine][len(self.ends[engine])], self.ends[1 - engine]
        return not wait or (len(ends) >= wait and ends[wait - 1] <= now)


def ticking(cores: Sequence[Streams]) -> int:
    """Cycles until all is done."""
    rate = Fraction(X32.ddr_bytes_per_second) / Fraction(X32.hertz)
    all_of, held, now = [Ticking(core) for core in cores], messages(cores), 0
    while not all(core.done for core in all_of):
        for _ in range(20):
            for number, core in enumerate(all_of):
                if len(core.ends[0]) < len(core.costs) and core.computing <= now and core.knows(0, now):
                    core.computing = now + core.costs[len(core.ends[0])]
                    core.ends[0].append(core.computing)
                i = len(core.ends[1])
                message = held[number].get(i)
                ends = all_of[message.core].ends[1] if message else []
                came = message is None or (len(ends) >= message.record and ends[message.record - 1] <= now)
                if i < len(core.moves) and not core.moving and core.left <= now and core.knows(1, now) and came:
                    core.moving, core.began, core.need = True, now, Fraction(core.moves[i][3])
                if core.moving and core.need <= 0 and now >= core.began + core.moves[i][0]:
                    core.moving, core.left = False, now
                    core.ends[1].append(now + DMA_LATENCY)
        on = [core for core in all_of if core.moving and core.need > 0 and now >= core.began + DMA_SETUP]
        for core in on:
            core.need -= rate / len(on)
        now += 1
    return max(end for core in all_of for ends in core.ends for end in ends)


def load(rows: int, channels: int) -> Command:
    dims = (1, channels, rows, 16)
    return Command("LOAD", {"out": local(0, dims, DType.U8, X32), "in": far(Region.IO, 0, dims, DType.U8)})


def copy(rows: int) -> Command:
    dims = (1, 8, rows, 16)
    return Command("COPY", {"out": local(0, dims, chip=X32), "in": local(9000, dims, chip=X32)})


@given(st.data())
def test_as_a_ticking_clock(data: st.DataObject) -> None:
    cores: list[Streams] = []
    sent = [0, 0]
    for number in range(2):
        gdma, tiu = list[Command](), list[Command]()
        for kind in data.draw(st.lists(st.sampled_from(("load", "copy", "send", "wait")), max_size=7)):
            if kind == "copy":
                tiu.append(Command("COPY", copy(data.draw(st.integers(1, 40))).operands, wait=len(gdma)))
            elif kind == "load":
                move = load(data.draw(st.integers(1, 9)), data.draw(st.sampled_from((1, 8, 32))))
                gdma.append(Command("LOAD", move.operands, wait=data.draw(st.integers(0, len(tiu)))))
            elif kind == "send":
                gdma.append(Command("SEND"))
                sent[number] += 1
            elif number and sent[0]:
                gdma.append(Command("WAIT", params={"core": 0, "count": data.draw(st.integers(1, sent[0]))}))
        cores.append(Streams(encode([*tiu, Command("END")]), encode([*gdma, Command("DMA_END")])))
    assert last_cycle(run_cores(cores, X32)) == ticking(cores)


def test_one_core_at_work_has_all_of_the_bus() -> None:
    busy = halves().cores[0]
    gdma = busy.gdma[np.isin(np.arange(7), (0, 1, 4, 5, 6))]
    gdma["wait"] = 0
    tiu = busy.tiu.copy()
    tiu["wait"] = 0
    idle = Streams(encode([Command("END")]), encode([Command("DMA_END")]))
    mine, _ = run_cores([Streams(tiu, gdma), idle], X32)
    alone = run(tiu, gdma, X32)
    for track, expected in ((mine.tiu, alone.tiu), (mine.gdma, alone.gdma)):
        assert track.start.tolist() == expected.start.tolist()
        assert track.end.tolist() == expected.end.tolist()


def test_two_that_load_at_once_take_twice_as_long() -> None:
    stream = Streams(encode([Command("END")]), encode([load(8, 32), Command("DMA_END")]))
    alone, shared = (run_cores([stream] * count, X32)[0].gdma for count in (1, 2))
    assert alone.free[0] - 16 == -(-4096 * 9 // 240)  # 26⅔ bytes a cycle
    assert shared.free[0] - 16 == -(-4096 * 9 // 120)


def test_no_core_gets_more_than_its_lanes_take() -> None:
    """One lane takes 16 bytes a cycle, of a bus that has more: its transfer is as long with company as alone."""
    ends = encode([Command("END")])
    slow, quick = (Streams(ends, encode([move, Command("DMA_END")])) for move in (load(8, 1), load(1, 32)))
    wide = variant(X32, ddr_bytes_per_second=64 * X32.hertz)
    (alone,), shared = run_cores([slow], wide), run_cores([slow, quick], wide)
    assert shared[0].gdma.free[0] == alone.gdma.free[0] == 16 + 8
