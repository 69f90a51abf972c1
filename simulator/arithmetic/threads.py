"""The threads that bulk arithmetic works with. No bit depends on how many there are."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

VARIABLE = "TPUFLOW_THREADS"
"""Says how many threads a run works with, where nobody asks for another number."""
MOST = 64
WORTHWHILE = 80_000.0
"""Nanoseconds of work below which a thread isn't woken."""


class BadNumber(ValueError):
    """$TPUFLOW_THREADS isn't a number of threads."""


def default() -> int:
    """The number of threads where nobody asks for another. Raises BadNumber."""
    told = os.environ.get(VARIABLE) or str(len(os.sched_getaffinity(0)))
    if not told.isdecimal() or not int(told):
        raise BadNumber(f"{VARIABLE}={told}: give a whole number from 1, or unset it for one thread a core")
    return min(int(told), MOST)


THREADS = default()
"""As $TPUFLOW_THREADS says, else one for each core this process may use; no more than MOST."""

_wanted: ContextVar[int] = ContextVar("threads", default=THREADS)


@contextmanager
def limited(threads: int | None) -> Generator[None]:
    """Work with so many threads inside, with as many as before for None."""
    if threads is None:
        yield
        return
    before = _wanted.set(min(threads, MOST))
    try:
        yield
    finally:
        _wanted.reset(before)


def number() -> int:
    """How many threads work is spread over here."""
    return _wanted.get()


def spread(total: int, work: Callable[[int, int], object], nanoseconds: float) -> None:
    """
    Call `work(start, stop)` on as many parts of `range(total)` as there are threads, and wait for them.

    On one where that takes it no more than `nanoseconds`, so that waking others would take as long.
    """
    parts = min(_wanted.get(), total) if nanoseconds >= WORTHWHILE else 1
    if parts <= 1:
        work(0, total)
        return
    cuts = [total * i // parts for i in range(parts + 1)]
    (_, first), *others = pairwise(cuts)
    waited = [_pool().submit(work, start, stop) for start, stop in others]
    work(0, first)
    for part in waited:
        part.result()


@cache
def _pool() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(MOST, thread_name_prefix="arithmetic")
