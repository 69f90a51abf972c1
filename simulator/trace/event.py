"""
Events of the Trace Event Format, as Perfetto and about:tracing both read them.

Perfetto counts whole nanoseconds and drops slices of a track that overlap without nesting, so both ends of a slice are
rounded down to one. It takes numbers alone as the ids of arrows, and knows a track by its thread number whatever the
process, so that no two have the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.chip import Chip

Event = dict[str, Any]

RUN = 1
"""The process of the whole run; those of the cores follow."""

TRACKS_A_PROCESS = 10


def process_of(core: int) -> int:
    """The process that a core is."""
    return RUN + 1 + core


def thread_of(process: int, track: int) -> int:
    """The thread that a process's track is, which counts from 1 in the order shown."""
    return process * TRACKS_A_PROCESS + track


class Clock:
    """Microseconds of the trace, whole nanoseconds, from cycles of the chip."""

    def __init__(self, chip: Chip) -> None:
        self._hertz = int(chip.hertz)

    def at(self, cycle: int) -> float:
        """The last nanosecond that isn't after the cycle."""
        return int(cycle) * 10**9 // self._hertz / 1000

    def before(self, cycle: int) -> float:
        """The nanosecond before, which is still inside of a slice that ends with the cycle."""
        return (int(cycle) * 10**9 // self._hertz - 1) / 1000

    def slice(self, track: tuple[int, int], begin: int, end: int, name: str, kind: str, args: Event) -> Event:
        """Something that lasts, on a track by process and number; of a `kind` that the viewer can filter by."""
        process, number = track
        start = int(begin) * 10**9 // self._hertz
        length = int(end) * 10**9 // self._hertz - start
        return {
            "ph": "X", "pid": process, "tid": thread_of(process, number), "ts": start / 1000, "dur": length / 1000,
            "name": name, "cat": kind, "args": args,
        }  # fmt: skip

    def counter(self, process: int, cycle: int, name: str, values: Mapping[str, float]) -> Event:
        """Values from a cycle on, until told otherwise."""
        return {"ph": "C", "pid": process, "ts": self.at(cycle), "name": name, "args": dict(values)}


def process_named(process: int, name: str) -> list[Event]:
    """A process's name and its place among all."""
    return [
        _told("process_name", process, 0, {"name": name}),
        _told("process_sort_index", process, 0, {"sort_index": process}),
    ]


def track_named(process: int, track: int, name: str) -> list[Event]:
    """A track's name and its place in the process."""
    thread = thread_of(process, track)
    return [
        _told("thread_name", process, thread, {"name": name}),
        _told("thread_sort_index", process, thread, {"sort_index": thread}),
    ]


def _told(what: str, process: int, thread: int, args: Event) -> Event:
    return {"ph": "M", "pid": process, "tid": thread or thread_of(process, 0), "name": what, "args": args}
