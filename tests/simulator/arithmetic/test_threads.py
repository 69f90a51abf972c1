"""Sharing out work among threads."""

from __future__ import annotations

import threading

import pytest

from simulator.arithmetic import threads


@pytest.mark.parametrize("workers", [1, 2, 3, 8, 100])
@pytest.mark.parametrize("total", [0, 1, 2, 7, 8, 100])
def test_parts_cover_everything_once(workers: int, total: int) -> None:
    seen = list[int]()
    with threads.limited(workers):
        threads.spread(total, lambda start, stop: seen.extend(range(start, stop)), 1e9)
    assert sorted(seen) == list(range(total))


def test_a_failing_part_is_heard_of() -> None:
    def fail(start: int, stop: int) -> None:
        raise ValueError(f"{start} to {stop}")

    with threads.limited(2), pytest.raises(ValueError, match="to"):
        threads.spread(4, fail, 1e9)


def test_little_work_wakes_no_thread_and_a_limit_ends_with_its_block() -> None:
    ran = set[int]()
    with threads.limited(4):
        threads.spread(4, lambda start, stop: ran.add(threading.get_ident()), 10)
        assert ran == {threading.get_ident()}
        with threads.limited(1):
            threads.spread(4, lambda start, stop: ran.add(threading.get_ident()), 1e9)
        assert ran == {threading.get_ident()}
        threads.spread(4, lambda start, stop: ran.add(threading.get_ident()), 1e9)
    assert len(ran) > 1


@pytest.mark.parametrize("told", ["two", "0", "-1", "1.5"])
def test_a_variable_that_is_no_number_of_threads_is_told(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    monkeypatch.setenv(threads.VARIABLE, told)
    with pytest.raises(threads.BadNumber, match=rf"TPUFLOW_THREADS={told}: give a whole number from 1"):
        threads.default()
