"""A session of the debugger in a test: lines go in, answers come out."""

import pytest

from pipeline.debugger.context import Context
from pipeline.debugger.shell import execute
from pipeline.debugger.words import BadCommand
from simulator.debugger.session import Debugger
from tests.simulator.debugger.compiled import built


class Talk:
    """A session whose answers are kept."""

    def __init__(self, name: str = "one core", groups: dict[str, str] | None = None) -> None:
        self.built = built(name)
        self.said: list[str] = []
        self.context = Context(Debugger(self.built.model, self.built.feeds, groups), self.said.append)

    def __call__(self, *lines: str) -> str:
        """The answers to the last of these lines."""
        for line in lines:
            self.said.clear()
            execute(self.context, line)
        return "\n".join(self.said)

    def refused(self, line: str) -> str:
        """What is said against a line."""
        with pytest.raises(BadCommand) as caught:
            execute(self.context, line)
        return str(caught.value)
