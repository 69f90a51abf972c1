"""What the command line shows: progress, and tables."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from assets.spelling import spelt

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
