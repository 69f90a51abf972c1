"""One line on standard error that says what a bench is at, gone when it is done."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.status import Status

from compiler.build.builder import Listener
from pipeline.bench.report import Row
from pipeline.display import NOTES

R = TypeVar("R", bound=Row)


class Told(Listener):
    """Shows the case that is measured and the stage it is at."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._case = ""

    def at(self, case: str) -> str:
        """The case that follows; returned as given."""
        self._case = case
        self._status.update(case)
        return case

    def started(self, stage: str) -> None:
        """Name the stage."""
        self._status.update(f"{self._case} {stage}")

    def each(self, rows: Iterable[R]) -> Iterator[R]:
        """The rows, each told on a line of its own as it comes: a bench that is ended early has said what it knew."""
        for row in rows:
            line = f"{row.case}  {row.metric}  {row.value:.6g} {row.unit}"
            self._status.console.print(line, markup=False, highlight=False, soft_wrap=True)
            yield row


@contextmanager
def telling() -> Generator[Told]:
    """A listener as long as the bench runs."""
    with NOTES.status("starting") as status:
        yield Told(status)
