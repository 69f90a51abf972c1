"""A build under way, as the command line shows it."""

from rich.progress import Progress, TaskID

from compiler.build.builder import Listener
from compiler.build.store import Record


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
