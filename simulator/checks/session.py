"""A session's checks: the program's once, when it is loaded, and those of data in each run."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from simulator.checks.check import examine
from simulator.checks.finding import Faulty, Finding, collapsed
from simulator.checks.watch import Watch
from simulator.memory import Memory
from simulator.model_file import Model


class Checking:
    """What a session found so far; each finding is raised when it is made, or, to `collect` them, only kept."""

    def __init__(self, model: Model, collect: bool = False, wraps: bool = False) -> None:
        """Check the program. Raises Faulty, of a program that can't be run in any case."""
        examined = examine(model)
        if examined.program is None or (examined.findings and not collect):
            raise Faulty(examined.findings)
        self.findings: Sequence[Finding] = examined.findings
        self._program, self._unproven = examined.program, examined.unproven
        self._collect, self._wraps = collect, wraps
        self._lock = Lock()

    def watch(self, memories: Sequence[Memory]) -> Watch:
        """What is to look at the data of a chip with these memories, a core each."""
        return Watch(self._program, self._unproven, memories, self._wraps)

    def enter(self, found: Sequence[Finding], last: bool = False) -> None:
        """Keep what a run found. Raises Faulty if there is anything, unless it is collected and isn't the `last`."""
        with self._lock:
            self.findings = collapsed([*self.findings, *found])
        if found and (last or not self._collect):
            raise Faulty(found)
