"""A long stage's progress as lines in the run's event log, few enough to read."""

import logging
import time
from collections.abc import Callable

PATIENCE = 5.0
"""Seconds before the first line; each further one waits half as long again as the stage has run."""


class Lines:
    """Says how far a stage is, more seldom the longer it runs."""

    def __init__(self, stage: str, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._stage, self._log, self._clock = stage, log, clock
        self._begun = clock()
        self._next = self._begun + PATIENCE

    def __call__(self, done: int, total: int) -> None:
        """The stage has done so many of its steps."""
        now = self._clock()
        if now < self._next or done >= total:
            return
        spent = now - self._begun
        left = spent * (total - done) / done if done else 0.0
        rest = f", about {left:.0f} s left" if done else ""
        self._log.info(f"{self._stage}: {done} of {total} in {spent:.0f} s{rest}")
        self._next = now + max(PATIENCE, spent / 2)
