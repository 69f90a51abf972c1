"""What the command line shows: a build under way, and tables."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from assets.spelling import spelt
from compiler.build.builder import Listener
from compiler.build.store import Record

CONSOLE = Console(width=None if sys.stdout.isatty() else 160)
"""Results go here: standard output, wide where it is no terminal."""

NOTES = Console(stderr=True)
"""Progress and errors go here, so that results can be piped."""


def bars() -> Progress:
    """A progress display for builds, gone when it is done."""
    return Progress(
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=NOTES,
        transient=True,
    )


class BuildBars(Listener):
    """Two bars: the stages of all builds, and the steps of the running stage. Keeps the records of each partition."""

    def __init__(self, display: Progress, stages: int) -> None:
        self._display = display
        self._all = display.add_task("starting", total=stages)
        self._step: TaskID | None = None
        self._partition = ""
        self.records: dict[str, dict[str, Record]] = {}

    def enter(self, partition: str) -> None:
        """What follows belongs to that partition."""
        self._partition = partition
        self.records[partition] = {}

    def started(self, stage: str) -> None:
        """Name the stage."""
        self._display.update(self._all, description=f"{self._partition} {stage}")

    def progress(self, stage: str, done: int, total: int) -> None:
        """Move the stage's own bar, which appears with its first step."""
        if self._step is None:
            self._step = self._display.add_task(f"  {stage}", total=total)
        self._display.update(self._step, completed=done, total=total)

    def finished(self, stage: str, record: Record) -> None:
        """Count the stage and take its own bar away."""
        self.records[self._partition][stage] = record
        self._display.advance(self._all)
        if self._step is not None:
            self._display.remove_task(self._step)
            self._step = None


def table(rows: Sequence[Mapping[str, Any]], title: str = "") -> Table:
    """Rows as a table with the columns of the first; numbers to the right."""
    shown = Table(title=title or None, title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    columns = list(rows[0]) if rows else []
    for name in columns:
        numeric = isinstance(rows[0][name], int | float)
        shown.add_column(name.replace("_", " "), justify="right" if numeric else "left", no_wrap=name == columns[0])
    for row in rows:
        shown.add_row(*(spelt(row.get(name)) for name in columns))
    return shown
