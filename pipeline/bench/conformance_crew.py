"""Work that may crash or hang, done by processes that are replaced when they do."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

SPAWN = get_context("spawn")
"""A fresh interpreter: onnxruntime's and numba's threads don't survive a fork."""


@dataclass
class Done(Generic[T, R]):
    """A task, what came of it before it ended, and how it was cut short: nothing if it wasn't."""

    task: T
    results: list[R] = field(default_factory=list[R])
    lost: str = ""


class _Worker(Generic[T, R]):
    """A process that does one task at a time; one that was ended is replaced at the next task."""

    def __init__(self, work: Callable[[T], Iterable[R]], core: int) -> None:
        self._work, self._core = work, core
        self._process: BaseProcess | None = None
        self.pipe: Connection
        self.task: Done[T, R] | None = None
        self.deadline = 0.0

    def begin(self, task: T, seconds: float) -> None:
        """Hand over a task that may take so long, the process's own start not counted."""
        if self._process is None:
            self.pipe, theirs = SPAWN.Pipe()
            self._process = SPAWN.Process(target=_serve, args=(theirs, self._work, self._core), daemon=True)
            self._process.start()
            theirs.close()
            self.pipe.recv()
        self.task = Done(task)
        self.deadline = time.monotonic() + seconds
        self.pipe.send(task)

    def hear(self) -> bool:
        """Take in one message; True if the task has ended."""
        assert self.task is not None
        try:
            kind, result = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.task.lost = f"the process ended with {self.end()}"
            return True
        if kind == "result":
            self.task.results.append(result)
        return kind == "end"

    def end(self) -> str:
        """Stop the process; how it ended, as people say it."""
        if (process := self._process) is None:
            return "nothing"
        process.join(0.5)
        process.kill()
        process.join()
        self.pipe.close()
        self._process = None
        code = process.exitcode or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def outcomes(
    tasks: Sequence[T], work: Callable[[T], Iterable[R]], workers: int, seconds: float
) -> Iterator[Done[T, R]]:
    """
    Each task as it ends, with the results that `work` made of it, in no particular order.

    `work` is a function of a module, run by so many processes, each on one core. A task whose process dies, or that
    takes longer than `seconds`, keeps the results it had, and says in `lost` what became of it. Exceptions of `work`
    are its own business: one that it lets through ends its process.
    """
    cores = sorted(os.sched_getaffinity(0))
    crew = [_Worker(work, cores[i % len(cores)]) for i in range(workers)]
    waiting = list(reversed(tasks))
    try:
        while True:
            for worker in crew:
                if worker.task is None and waiting:
                    worker.begin(waiting.pop(), seconds)
            busy = [worker for worker in crew if worker.task is not None]
            if not busy:
                return
            yield from _news(busy, seconds)
    finally:
        for worker in crew:
            worker.end()


def _news(busy: Sequence[_Worker[T, R]], seconds: float) -> Iterator[Done[T, R]]:
    """Wait until something happens; the tasks that have ended with it."""
    first = min(worker.deadline for worker in busy)
    ready = wait([worker.pipe for worker in busy], max(0.0, first - time.monotonic()))
    for worker in busy:
        assert worker.task is not None
        if worker.pipe in ready:
            ended = worker.hear()
        elif ended := time.monotonic() > worker.deadline:
            worker.end()
            worker.task.lost = f"not done after {seconds:g} s"
        if ended:
            done, worker.task = worker.task, None
            yield done


def _serve(pipe: Connection, work: Callable[[T], Iterable[R]], core: int) -> None:
    """The life of a process: tasks in, results out, until the pipe closes."""
    os.sched_setaffinity(0, {core})
    pipe.send("ready")
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        for result in work(task):
            pipe.send(("result", result))
        pipe.send(("end", None))
