"""What the debugger's commands work on: the engine, the names of tensors, and where answers go."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pipeline.debugger.words import BadCommand, near
from simulator.cores import Turn
from simulator.debugger.order import Moment
from simulator.debugger.session import Debugger, Stop
from simulator.model_file import Model
from simulator.naming import Names


@dataclass
class Context:
    """A session with a user: `say` takes a line of an answer, `faults` are those found so far."""

    debugger: Debugger
    say: Callable[[str], None]
    faults: list[str] = field(default_factory=list[str])

    @property
    def model(self) -> Model:
        """What is debugged."""
        return self.debugger.program.model

    def operands(self, turn: Turn) -> Mapping[str, str]:
        """The tensors that a record's operands are, where that is known."""
        return self._names.all(turn.core, turn.engine, turn.at + 1) if self._names else {}

    @cached_property
    def _names(self) -> Names | None:
        """None of a program with records that can't be read, or that leave their memories."""
        return None if self.debugger.examined.program is None else Names(self.model)

    def fault(self, what: str) -> None:
        """Tell of a fault, and remember it for the exit code."""
        self.faults.append(what)

    def stopped(self, stop: Stop) -> None:
        """Tell why a run stopped, if there is more to it than that it was asked to."""
        if stop.why:
            self.say(stop.why)
        if stop.fault:
            self.fault(stop.why)

    def tensor(self, name: str) -> str:
        """
        The tensor of that name, or that of `name_<op>`, as compiled networks call the one that ONNX calls so.

        Raises BadCommand with what is spelt like it.
        """
        tensors = self.debugger.tensors
        if name in tensors:
            return name
        made = [known for known in tensors.names if known.rpartition("_")[0] == name]
        if len(made) == 1:
            return made[0]
        raise BadCommand(near(name, tensors.names, "tensor"))

    def layer(self, name: str) -> set[Moment]:
        """The moments of a layer. Raises BadCommand with what is spelt like it."""
        layers = self.debugger.program.by_layer
        if name not in layers:
            raise BadCommand(near(name, layers, "layer"))
        return layers[name]

    def lines(self, said: Iterable[str]) -> None:
        """Say several lines."""
        for line in said:
            self.say(line)
