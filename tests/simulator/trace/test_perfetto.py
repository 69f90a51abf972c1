"""Perfetto's own trace processor loads the trace whole, and finds in it what the cycle model says."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from pipeline.bench import browser
from simulator.concurrent import last_cycle, run_cores
from simulator.isa.table import Engine
from simulator.trace.event import RUN, process_of, thread_of
from simulator.trace.slices import DECIDES, RECORDS
from simulator.trace.write import document, write
from tests.simulator.trace.perfetto import Absent, Perfetto, installed, opened
from tests.simulator.two_cores import halves


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("perfetto")


@pytest.fixture(scope="module")
def perfetto(root: Path) -> Generator[Perfetto]:
    """Skips where Perfetto or a browser is missing."""
    try:
        program, _ = browser.installed(), installed()
    except (browser.NotInstalled, Absent) as absent:
        pytest.skip(str(absent))
    with opened(program, root) as page:
        yield page


def test_it_is_read_without_an_error_and_adds_up(perfetto: Perfetto, root: Path) -> None:
    made = halves()
    timelines, groups = run_cores(made.cores, made.chip), dict.fromkeys(made.layers, "all")
    write(made, timelines, root / "trace.json.gz", groups)
    events = document(made, timelines, groups)["traceEvents"]
    perfetto.load(root / "trace.json.gz")
    assert perfetto.ask("select name, value from stats where severity in ('error', 'data_loss') and value > 0") == []
    assert perfetto.ask("select count(*) from slice") == [[sum(event["ph"] == "X" for event in events)]]

    end = last_cycle(timelines) * 10**9 // int(made.chip.hertz)
    whole = {thread_of(RUN, DECIDES): "decides record"}
    whole |= {thread_of(process_of(core), RECORDS[engine]): "" for core in range(len(timelines)) for engine in Engine}
    for thread, kind in whole.items():
        told = perfetto.ask(
            "select min(ts), max(ts + dur), sum(dur) from slice s join thread_track t on s.track_id = t.id "
            f"join thread using (utid) where tid = {thread} and category like '{kind or '%'}'"
        )
        assert told == [[0, end, end]], thread

    names = perfetto.ask("select p.name, t.name from thread t join process p using (upid) where t.name is not null")
    assert all(process.startswith("x32 int8, ") for process, _ in names)
    assert len(names) == 1 + 4 * len(timelines)
    arrows = perfetto.ask(
        "select count(*) from flow f join slice a on f.slice_out = a.id join slice b on f.slice_in = b.id "
        "where a.ts + a.dur <= b.ts and extract_arg(a.arg_set_id, 'args.record') > 0 "
        "and extract_arg(b.arg_set_id, 'args.record') > 0"
    )
    assert arrows == [[sum(event["ph"] == "s" for event in events)]]
    counters = perfetto.ask("select count(*) from counter")
    assert counters == [[sum(len(event["args"]) for event in events if event["ph"] == "C")]]
