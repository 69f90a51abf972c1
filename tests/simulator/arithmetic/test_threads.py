"""Work shared out among threads: every part once, and failures not lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.arithmetic import threads


@given(st.integers(0, 50), st.integers(1, 5))
def test_parts_cover_the_range_once(total: int, workers: int) -> None:
    seen: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "THREADS", workers)
        threads.spread(total, lambda start, stop: seen.extend(range(start, stop)))
    assert sorted(seen) == list(range(total))


def test_a_failure_in_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(start: int, _stop: int) -> None:
        if start:
            raise ArithmeticError("part")

    monkeypatch.setattr(threads, "THREADS", 2)
    with pytest.raises(ArithmeticError, match="part"):
        threads.spread(4, fail)
