"""
What viewers take for granted, from the Trace Event Format's description and Perfetto's reader of it.

Perfetto counts whole nanoseconds, drops slices of a track that overlap without nesting, takes numbers alone for ids of
arrows, starts an arrow in the slice that is open on its thread at that time, and knows threads by number alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

Event = dict[str, Any]
Track = tuple[int, int]

NEEDED: Mapping[str, frozenset[str]] = {
    "M": frozenset({"pid", "tid", "name", "args"}),
    "X": frozenset({"pid", "tid", "ts", "dur", "name", "args"}),
    "C": frozenset({"pid", "ts", "name", "args"}),
    "s": frozenset({"pid", "tid", "ts", "name", "cat", "id"}),
    "f": frozenset({"pid", "tid", "ts", "name", "cat", "id", "bp"}),
}


def check(events: Iterable[Event]) -> None:
    """Raise AssertionError for the first event that some viewer wouldn't take as it is meant."""
    held = list(events)
    for event in held:
        assert event.keys() >= NEEDED[event["ph"]], event
        assert event["pid"] > 0, "process 0 is the idle one"
    timed = [event for event in held if event["ph"] != "M"]
    assert all(before["ts"] <= after["ts"] for before, after in pairwise(timed))
    for value in (event[key] for event in timed for key in ("ts", "dur") if key in event):
        assert value >= 0
        assert value == round(value * 1000) / 1000, f"{value} isn't a whole nanosecond"
    _named(held)
    for slices in tracks(held).values():
        _nested(slices)
    for event in held:
        if event["ph"] == "C":
            assert event["args"]
            assert all(isinstance(value, int | float) for value in event["args"].values())
    _arrows(held)


def tracks(events: Iterable[Event]) -> dict[Track, list[Event]]:
    """The slices of each process and thread."""
    made: defaultdict[Track, list[Event]] = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            made[event["pid"], event["tid"]].append(event)
    return dict(made)


def span(event: Event) -> tuple[int, int]:
    """Nanoseconds of a slice."""
    start = round(event["ts"] * 1000)
    return start, start + round(event["dur"] * 1000)


def _named(events: list[Event]) -> None:
    told = [event for event in events if event["ph"] == "M"]
    processes: list[int] = [event["pid"] for event in told if event["name"] == "process_name"]
    threads: list[Track] = [(event["pid"], event["tid"]) for event in told if event["name"] == "thread_name"]
    numbers = {thread for _, thread in threads}
    assert len(set(processes)) == len(processes), "a process is named twice"
    assert len(numbers) == len(threads), "two threads have one number"
    assert not numbers & set(processes), "a thread of its process's number is its main one"
    assert all(event["args"]["name"] for event in told if event["name"].endswith("_name"))
    assert {event["pid"] for event in events} <= set(processes)
    assert set(tracks(events)) <= set(threads)


def _nested(slices: list[Event]) -> None:
    open_until = list[int]()
    for event in slices:
        start, end = span(event)
        assert start < end, f"{event} lasts no time"
        while open_until and open_until[-1] <= start:
            open_until.pop()
        assert not open_until or end <= open_until[-1], f"{event} overlaps without nesting"
        open_until.append(end)


def _arrows(events: list[Event]) -> None:
    begun: dict[tuple[str, str, int], Event] = {}
    over = set[tuple[str, str, int]]()
    slices = tracks(events)
    for event in events:
        if event["ph"] not in "sf":
            continue
        assert isinstance(event["id"], int)
        key = event["cat"], event["name"], event["id"]
        inside = [span(held) for held in slices[event["pid"], event["tid"]]]
        at = round(event["ts"] * 1000)
        assert any(start <= at < end for start, end in inside), f"{event} is in no slice"
        if event["ph"] == "s":
            assert key not in begun
            begun[key] = event
        else:
            assert event["bp"] == "e"
            assert key in begun
            assert key not in over
            assert begun[key]["ts"] <= event["ts"]
            over.add(key)
    assert over == begun.keys()
