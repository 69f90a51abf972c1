"""The threads that bulk arithmetic works with: one number for onnxruntime and for the compiled kernels."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

THREADS = len(os.sched_getaffinity(0))
"""Cores this process may use."""


def spread(total: int, work: Callable[[int, int], object]) -> None:
    """Call `work(start, stop)` on as many parts of `range(total)` as there are threads, and wait for them."""
    parts = min(THREADS, total)
    if parts <= 1:
        work(0, total)
        return
    cuts = [total * i // parts for i in range(parts + 1)]
    for done in [_pool().submit(work, start, stop) for start, stop in pairwise(cuts)]:
        done.result()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="arithmetic")
