"""The trace says what the timeline says, in the form the viewers read."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.concurrent import run_cores
from simulator.events import run
from simulator.trace import WINDOWS, write
from tests.simulator.hand_made import copy_twice
from tests.simulator.two_cores import halves

Event = dict[str, Any]


@pytest.fixture
def events(tmp_path: Path) -> list[Event]:
    made = copy_twice()
    write(made, [run(made.tiu, made.gdma, made.chip)], tmp_path / "trace.json")
    return json.loads((tmp_path / "trace.json").read_text())["traceEvents"]


def of(events: list[Event], phase: str) -> list[Event]:
    return [event for event in events if event["ph"] == phase]


def test_a_slice_a_record(events: list[Event]) -> None:
    slices = of(events, "X")
    assert len(slices) == 5 + 9
    assert [event["args"]["name"] for event in of(events, "M")] == ["e8 int8", "TIU", "GDMA"]
    first = next(event for event in slices if event["name"] == "LOAD copy")
    assert (first["ts"], first["dur"]) == (0, pytest.approx((16 + 160) * 2e-3))
    for thread in (1, 2):
        ends = [(event["ts"], event["ts"] + event["dur"]) for event in slices if event["tid"] == thread]
        assert all(before[1] <= after[0] + 1e-9 for before, after in pairwise(ends))


def test_arrows_leave_and_reach_slices(events: list[Event]) -> None:
    slices, leaves, reaches = of(events, "X"), of(events, "s"), of(events, "f")
    assert len(leaves) == len(reaches) > 0
    for event in (*leaves, *reaches):
        assert any(s["tid"] == event["tid"] and s["ts"] <= event["ts"] <= s["ts"] + s["dur"] for s in slices)
    for leave, reach in zip(leaves, reaches, strict=True):
        assert leave["id"] == reach["id"]
        assert leave["ts"] < reach["ts"]
        assert leave["tid"] != reach["tid"]


def test_the_counter_adds_up(events: list[Event]) -> None:
    rates = [event["args"]["bytes"] for event in of(events, "C")]
    made = copy_twice()
    timeline = run(made.tiu, made.gdma, made.chip)
    assert len(rates) == WINDOWS
    assert sum(rates) * timeline.cycles / WINDOWS == pytest.approx(timeline.wire.sum())
    assert max(rates) <= made.chip.ddr_bytes_per_cycle + 1e-6


def test_a_process_a_core(tmp_path: Path) -> None:
    made = halves()
    write(made, run_cores(made.cores, made.chip), tmp_path / "trace.json")
    told: list[Event] = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    names = [event["args"]["name"] for event in of(told, "M") if event["name"] == "process_name"]
    assert names == ["x32 int8, core 0", "x32 int8, core 1"]
    for process in (1, 2):
        mine = [event["name"] for event in of(told, "X") if event["pid"] == process and event["tid"] == 2]
        assert mine == ["LOAD halves", "STORE halves", "SEND", "WAIT", "LOAD halves", "STORE halves", "DMA_END"]
