"""The trace says what the cycle model says, in the form that viewers read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from simulator.concurrent import last_cycle, run_cores
from simulator.events import Timeline
from simulator.isa.table import Engine
from simulator.model_file import Model
from simulator.profile import profile
from simulator.trace.event import RUN, process_of, thread_of
from simulator.trace.slices import DECIDES, LAYERS, RECORDS
from simulator.trace.write import document, write
from tests.simulator.hand_made import copy_twice, model
from tests.simulator.trace.schema import Event, check, tracks
from tests.simulator.two_cores import halves

GROUPS = {"copy": "both", "store": "both"}


def one_by_one() -> Model:
    """Records of two layers in turn, the second of a group of its own."""
    made = copy_twice()
    tiu = made.tiu.copy()
    tiu["tag"] = [0, 1, 1, 0, 0]
    return replace(made, tiu=tiu)


MODELS = {"copies": copy_twice(), "two cores": halves(), "turns": one_by_one(), "nothing": model([], [])}


def traced(made: Model, groups: Mapping[str, str] | None = None) -> tuple[list[Event], list[Timeline]]:
    timelines = run_cores(made.cores, made.chip)
    return document(made, timelines, groups)["traceEvents"], timelines


def on(events: Iterable[Event], process: int, track: int) -> list[Event]:
    return tracks(events)[process, thread_of(process, track)]


@pytest.mark.parametrize("name", MODELS)
def test_viewers_take_every_event(name: str) -> None:
    check(traced(MODELS[name], GROUPS)[0])


def test_the_check_sees_what_is_wrong() -> None:
    events, _ = traced(copy_twice())
    first = next(i for i, event in enumerate(events) if event["ph"] == "X" and "record" in event["args"])
    arrow = next(i for i, event in enumerate(events) if event["ph"] == "s")
    number = next(i for i, event in enumerate(events) if event["ph"] == "C")
    for at, wrong in (
        (first, {"dur": 0.35325}),
        (first, {"dur": 1.0}),
        (first, {"pid": 7}),
        (first, {"ts": 9.0}),
        (arrow, {"id": "1TIU2"}),
        (arrow, {"tid": 13}),
        (arrow, {"tid": thread_of(process_of(0), LAYERS[Engine.TIU])}),
        (number, {"args": {"read": "1"}}),
    ):
        with pytest.raises((AssertionError, KeyError)):
            check([{**event, **wrong} if i == at else event for i, event in enumerate(events)])
    with pytest.raises(AssertionError):
        check(event for i, event in enumerate(events) if i != arrow)


@pytest.mark.parametrize("name", MODELS)
def test_each_engine_works_or_waits_in_every_cycle_of_the_run(name: str) -> None:
    made = MODELS[name]
    events, timelines = traced(made)
    total, costs = last_cycle(timelines), profile(made)
    assert total == costs.cycles
    spent = dict.fromkeys(Engine, 0)
    for core in range(len(timelines)):
        for engine in Engine:
            slices = on(events, process_of(core), RECORDS[engine])
            assert sum(event["args"]["cycles"] for event in slices) == total
            works = [event["args"] for event in slices if "record" in event["args"]]
            assert [told["record"] for told in works] == list(range(1, len(made.cores[core].of(engine)) + 1))
            assert [told["cycle"] for told in works] == timelines[core].track(engine).start.tolist()
            spent[engine] += sum(told["cycles"] for told in works)
    assert spent[Engine.TIU] == costs.total.tiu_cycles + costs.rest.tiu_cycles
    assert spent[Engine.GDMA] == costs.total.gdma_cycles + costs.rest.gdma_cycles
    told = [event["args"] for event in events if event["ph"] == "X"]
    for name, figure in (
        ("bytes", costs.ddr_bytes),
        ("wire_bytes", costs.total.wire_bytes),
        ("macs", costs.total.macs),
    ):
        assert sum(args.get(name, 0) for args in told) == figure


@pytest.mark.parametrize("name", MODELS)
def test_what_decides_is_the_whole_run(name: str) -> None:
    events, timelines = traced(MODELS[name], GROUPS)
    slices = on(events, RUN, DECIDES)
    for level in ("group", "layer", "record"):
        held = [event["args"] for event in slices if event["cat"] == f"decides {level}"]
        spent = sum(sum(args.values()) for args in held)
        assert spent <= last_cycle(timelines)
        if level == "record":
            assert spent == last_cycle(timelines)


def test_layers_are_within_their_groups() -> None:
    events, _ = traced(one_by_one(), {"copy": "first", "store": "second"})
    slices = on(events, process_of(0), LAYERS[Engine.TIU])
    assert [event["name"] for event in slices if event["cat"] == "group"] == ["first", "second", "first"]
    assert [event["name"] for event in slices if event["cat"] == "layer"] == ["copy", "store", "copy"]
    events, _ = traced(one_by_one(), GROUPS)
    slices = on(events, process_of(0), LAYERS[Engine.TIU])
    assert [(event["name"], event["args"]["records"]) for event in slices] == [
        ("both", 4), ("copy", 1), ("store", 2), ("copy", 1),
    ]  # fmt: skip


def test_a_slice_says_what_its_record_is() -> None:
    events, _ = traced(copy_twice(), GROUPS)
    told = on(events, process_of(0), RECORDS[Engine.GDMA])[0]
    assert told["name"] == "LOAD copy"
    assert told["args"]["text"].startswith("LOAD out=i8(1,8,4,32)@LOCAL+0")
    assert told["args"]["tensors"]["in"] == "x"
    assert (told["args"]["bytes"], told["args"]["cycles"], told["args"]["completes"]) == (1024, 176, 304)
    assert (told["ts"], told["dur"]) == (0, pytest.approx(176 * 2e-3))


def test_waiting_says_for_what() -> None:
    events, _ = traced(copy_twice())
    why = {
        engine: [event["name"] for event in on(events, process_of(0), RECORDS[engine]) if event["cat"] == "idle"]
        for engine in Engine
    }
    assert why[Engine.TIU][0] == "waits: data"
    assert set(why[Engine.GDMA]) <= {"waits: result", "waits: buffer", "waits: order", "done"}
    names = {event["name"] for event in traced(halves())[0] if event["ph"] == "X"}
    assert "waits: message" in names


def test_arrows_go_from_a_load_to_its_use_and_from_a_result_to_its_store() -> None:
    events, _ = traced(copy_twice())
    data = [event for event in events if event.get("cat") == "data"]
    by_id = [list(pair) for _, pair in groupby(sorted(data, key=lambda event: event["id"]), lambda event: event["id"])]
    gdma, tiu = (thread_of(process_of(0), RECORDS[engine]) for engine in (Engine.GDMA, Engine.TIU))
    assert [(leave["tid"], reach["tid"]) for leave, reach in by_id] == [(gdma, tiu), (tiu, gdma)] * 4
    messages = [event for event in traced(halves())[0] if event.get("cat") == "message"]
    assert sorted((event["ph"], event["pid"]) for event in messages) == [("f", 2), ("f", 3), ("s", 2), ("s", 3)]


def curve(events: Iterable[Event], process: int, name: str) -> Iterator[tuple[float, float, dict[str, Any]]]:
    """From and to, in microseconds, and the values."""
    held = [event for event in events if event["ph"] == "C" and event["pid"] == process and name in event["name"]]
    ends: list[float] = [*(event["ts"] for event in held[1:]), 1e9]
    for event, end in zip(held, ends, strict=False):
        yield event["ts"], end, event["args"]


@pytest.mark.parametrize("name", ["copies", "two cores"])
def test_traffic_adds_up_to_the_bytes_on_the_bus(name: str) -> None:
    made = MODELS[name]
    events, timelines = traced(made)
    hertz = made.chip.hertz / 1e6
    for core, timeline in enumerate(timelines):
        rates = list(curve(events, process_of(core), "DDR"))
        moved = sum((end - start) * hertz * sum(told.values()) for start, end, told in rates if sum(told.values()))
        assert moved == pytest.approx(timeline.wire.sum(), rel=0.01)
        assert all(sum(told.values()) <= made.chip.ddr_bytes_per_cycle + 1e-3 for _, _, told in rates)
        if len(timelines) > 1:
            had = sum(
                (end - start) * hertz * told[f"core {core}"]
                for start, end, told in curve(events, RUN, "bus")
                if told[f"core {core}"]
            )
            assert had == pytest.approx(timeline.wire.sum(), rel=0.01)
    assert all(sum(told.values()) <= made.chip.ddr_bytes_per_cycle + 1e-3 for *_, told in curve(events, RUN, "bus"))


def test_equal_runs_give_equal_bytes_packed_or_not(tmp_path: Path) -> None:
    made = halves()
    timelines = run_cores(made.cores, made.chip)
    paths = [tmp_path / name for name in ("one.json", "two.json", "one.json.gz", "two.json.gz")]
    for path in paths:
        write(made, timelines, path)
    plain, again, packed, packed_again = (path.read_bytes() for path in paths)
    assert plain == again
    assert packed == packed_again
    assert gzip.decompress(packed) == plain
    assert json.loads(plain)["otherData"]["cycles"] == last_cycle(timelines)


def test_a_clock_that_no_nanosecond_divides_leaves_no_gap() -> None:
    made = replace(halves(), chip=replace(halves().chip, hertz=900_000_007.0))
    events, _ = traced(made)
    check(events)
    for core in range(2):
        for engine in Engine:
            slices = on(events, process_of(core), RECORDS[engine])
            ends = [round(1000 * (event["ts"] + event["dur"])) for event in slices]
            assert [round(1000 * event["ts"]) for event in slices] == [0, *ends[:-1]]
