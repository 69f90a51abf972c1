"""What a command of the debugger is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline.debugger.context import Context


def nothing(context: Context) -> Iterable[str]:
    """No completions."""
    return ()


def tensors(context: Context) -> Iterable[str]:
    """Names of tensors."""
    return context.debugger.tensors.names


def layers(context: Context) -> Iterable[str]:
    """Names of layers."""
    return context.debugger.program.by_layer


def both(context: Context) -> Iterable[str]:
    """Names of tensors and layers."""
    return dict.fromkeys((*tensors(context), *layers(context)))


@dataclass(frozen=True)
class Command:
    """
    A command by its name and `aliases`; `usage` is how to write what follows the name, `about` what it does.

    `run` is given the words after the name; `switched`, where a switch may follow the name as in `print/s`, those words
    and the switch. `completes` are names that may follow.
    """

    name: str
    usage: str
    about: str
    run: Callable[[Context, str], None]
    aliases: tuple[str, ...] = ()
    switched: Callable[[Context, str, str], None] | None = None
    completes: Callable[[Context], Iterable[str]] = nothing
