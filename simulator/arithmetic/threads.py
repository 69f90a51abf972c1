"""The threads that bulk arithmetic works with: one number for onnxruntime and for the compiled kernels."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

THREADS = len(os.sched_getaffinity(0))
"""Cores this process may use."""


def spread(total: int, work: Callable[[int, int], object], step: int = 1) -> None:
    """Call `work(start, stop)` on as many parts of `range(total)` as there are threads, cut at multiples of `step`."""
    steps = -(-total // step)
    parts = min(THREADS, steps)
    cuts = [min(steps * i // max(parts, 1) * step, total) for i in range(parts + 1)]
    if parts <= 1:
        work(0, total)
        return
    for done in [_pool().submit(work, start, stop) for start, stop in pairwise(cuts)]:
        done.result()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="arithmetic")
