"""Every cycle of a run is told to one resource, and the chain that tells them is the run's longest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.concurrent import last_cycle, run_cores
from simulator.cores import Streams
from simulator.critical import RESOURCES, chain, deciding, waiting
from simulator.isa.record import Command, Records, encode
from simulator.isa.table import DType, Engine, Region
from simulator.timing import DMA_LATENCY, DMA_SETUP, TIU_SETUP
from tests.simulator.hand_made import E8, copy_twice, far, local
from tests.simulator.two_cores import X32, halves


def resources(cores: list[Streams], layers: int = 1) -> dict[str, int]:
    """Cycles by resource, those that none of the layers has as well."""
    spent = deciding(cores, run_cores(cores, E8), layers, E8).spent.sum(0)
    return {name: cycles for name, cycles in zip(RESOURCES, spent.tolist(), strict=True) if cycles}


def streams(tiu: list[Command], gdma: list[Command]) -> list[Streams]:
    return [Streams(encode([*tiu, Command("END")]), encode([*gdma, Command("DMA_END")]))]


def test_a_load_a_copy_and_a_store_one_after_the_other() -> None:
    dims = (1, 8, 4, 32)
    x, made = local(0, dims), local(4096, dims)
    load = Command("LOAD", {"out": x, "in": far(Region.IO, 0, dims)})
    copy = Command("COPY", {"out": made, "in": x}, wait=1)
    store = Command("STORE", {"out": far(Region.IO, 2048, dims), "in": made}, wait=1)
    moved = 8 * 4 * 32 * 10 // 64
    assert resources(streams([copy], [load, store])) == {
        "vector": 4 * 32 // 8, "tiu_setup": TIU_SETUP, "read": moved, "write": moved,
        "dma_setup": 3 * DMA_SETUP, "latency": 2 * DMA_LATENCY,
    }  # fmt: skip


def test_one_lane_that_cannot_keep_up_with_memory_is_named() -> None:
    load = Command("LOAD", {"out": local(0, (1, 1, 64, 64)), "in": far(Region.IO, 0, (1, 1, 64, 64))})
    quick = deciding(cores := streams([], [load]), run_cores(cores, X32), 1, X32).by_layer(1)[0]
    spent = dict(zip(RESOURCES, quick.tolist(), strict=True))
    assert (spent["read"], spent["lanes"]) == (-(-4096 * 9 // 240), 4096 // 16 - -(-4096 * 9 // 240))


def test_operands_in_one_bank_are_named() -> None:
    copy = Command("COPY", {"out": local(64, (1, 8, 1, 8)), "in": local(0, (1, 8, 1, 8))})
    cores = [Streams(encode([copy]), encode([Command("DMA_END", wait=1)]))]
    assert resources(cores)["conflicts"] == 2 * (TIU_SETUP + 1)


def test_whoever_waits_is_named_with_what_for() -> None:
    model = copy_twice()
    timeline = run_cores(model.cores, E8)[0]
    still = {cause: cycles.tolist() for cause, cycles in waiting(model.cores[0], timeline, 2).items()}
    assert still["data"][0] == int(timeline.tiu.start[3]) - 3 * (TIU_SETUP + 16)
    assert still["result"][0] == still["buffer"][1] == 0, "the layer `copy` stores nothing, `store` loads nothing"
    gaps = timeline.gdma.start[1:] - timeline.gdma.free[:-1]
    assert still["result"][1] + still["buffer"][0] == int(gaps[:-1].sum())


command = st.tuples(st.sampled_from([1, 3, 8]), st.integers(1, 40), st.integers(0, 6))


def random_streams(drawn: tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]) -> Streams:
    """Records that wait for one that was issued before them, as a compiler's do."""
    tiu, gdma = list[Command](), list[Command]()
    for i in range(max(map(len, drawn))):
        if i < len(drawn[1]):
            channels, rows, back = drawn[1][i]
            dims = (1, channels, rows, 16)
            ends = {"out": local(0, dims, DType.U8), "in": far(Region.IO, 0, dims, DType.U8)}
            if back % 2:
                ends = {"out": ends["in"], "in": ends["out"]}
            gdma.append(Command("STORE" if back % 2 else "LOAD", ends, wait=max(len(tiu) - back, 0)))
        if i < len(drawn[0]):
            channels, rows, back = drawn[0][i]
            dims = (1, channels, rows, 16)
            copy = {"out": local(0, dims), "in": local(16384, dims)}
            tiu.append(Command("COPY", copy, wait=max(len(gdma) - back, 0)))
    return Streams(encode(tiu), encode(gdma))


@given(st.tuples(st.lists(command, max_size=12), st.lists(command, max_size=12)))
def test_resources_add_up_to_the_run(drawn: tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]) -> None:
    cores = [random_streams(drawn)]
    timelines = run_cores(cores, E8)
    made = deciding(cores, timelines, 1, E8)
    assert made.spent.sum() == last_cycle(timelines)
    assert (made.spent >= 0).all()
    np.testing.assert_array_equal(made.begin[:-1], made.end[1:])


def test_two_cores_on_one_bus_add_up_too() -> None:
    made = halves()
    timelines = run_cores(made.cores, X32)
    found = deciding(made.cores, timelines, len(made.layers), X32)
    assert found.by_layer(len(made.layers)).sum() == last_cycle(timelines)
    assert {link.core for link in chain(made.cores, timelines)} == {0, 1}, "one waits for the other"


@pytest.mark.parametrize("engine", Engine)
def test_a_record_that_is_not_in_the_chain_may_be_quicker_for_nothing(engine: Engine) -> None:
    model = copy_twice()
    timeline = run_cores(model.cores, E8)[0]
    linked = {link.place for link in chain(model.cores, [timeline]) if link.engine == engine}
    records: Records = model.cores[0].of(engine)
    for place in set(range(len(records) - 1)) - linked:
        less = {name: model.cores[0].of(Engine[name]).copy() for name in ("TIU", "GDMA")}
        less[engine.name]["operands"]["dims"][place, :, 2] = 1
        again = run_cores([Streams(less["TIU"], less["GDMA"])], E8)
        assert last_cycle(again) == timeline.cycles
    assert np.any([place in linked for place in range(len(records))])
