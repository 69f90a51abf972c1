"""How many threads both sides of a timing may use."""

import os


def limit(threads: int) -> int:
    """
    Keep this process to that many cores, 0 for all it has: the chip's arithmetic takes a thread for each of them.

    To be called before the arithmetic is imported. Returns the number.
    """
    cores = sorted(os.sched_getaffinity(0))
    chosen = cores[: threads or len(cores)]
    os.sched_setaffinity(0, chosen)
    return len(chosen)
