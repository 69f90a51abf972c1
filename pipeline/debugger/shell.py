"""The debugger's prompt: lines to commands, help, completion and history."""

import cmd
import re
import readline
import textwrap
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from compiler.npz import DamagedArrays
from pipeline.debugger import changing, looking, running, show, stopping
from pipeline.debugger.command import Command
from pipeline.debugger.context import Context
from pipeline.debugger.words import BadCommand, near
from simulator.debugger.order import CannotPlan
from simulator.debugger.run import CannotRun
from simulator.dump import BadDump
from simulator.execute.site import IllegalRecord
from simulator.memory import BadOperand
from simulator.mismatch import BadReference
from simulator.onnx_host import HostFault

GROUPS: Mapping[str, Iterable[Command]] = {
    "running": running.COMMANDS,
    "stopping": stopping.COMMANDS,
    "looking": looking.COMMANDS,
    "changing": changing.COMMANDS,
}
COMMANDS: Mapping[str, Command] = {each.name: each for group in GROUPS.values() for each in group}
ALIASES: Mapping[str, Command] = {alias: each for each in COMMANDS.values() for alias in each.aliases}

PROMPT = "(tpuflow) "
WIDTH = 100
HISTORY = 1000
"""Lines that are kept from one session to the next."""

REFUSED = (CannotRun, CannotPlan, BadReference, BadOperand, BadDump, DamagedArrays, OSError)
"""What a command may come upon that is no fault of the program that runs."""

_COMMENT = re.compile(r"(?:^|\s)#")

REPEATED = ("step", "next", "group", "continue", "back")
"""What an empty line does again."""


class Shell(cmd.Cmd):
    """Reads lines at a terminal."""

    prompt = PROMPT

    def __init__(self, context: Context, history: Path | None = None) -> None:
        super().__init__()
        self._context, self._history, self._last = context, history, ""

    def preloop(self) -> None:
        """Names are completed up to a blank, whatever they are spelt with; earlier sessions' lines are there."""
        readline.set_completer_delims(" \t[=")
        if self._history is not None:
            with suppress(OSError):  # lines typed before are a comfort, not worth a session
                readline.read_history_file(self._history)

    def postloop(self) -> None:
        """Keep what was typed; say so where that can't be."""
        if self._history is None:
            return
        readline.set_history_length(HISTORY)
        try:
            self._history.parent.mkdir(parents=True, exist_ok=True)
            readline.write_history_file(self._history)
        except OSError as error:
            self._context.say(f"the lines typed aren't kept: {error}")

    def onecmd(self, line: str) -> bool:
        """Run a line and say what is wrong with it; True at the end of the session."""
        if line == "EOF":
            self._context.say("")
            return True
        if not line.strip():
            line = self._last
        try:
            ended = execute(self._context, line)
        except KeyboardInterrupt:
            self._context.say("interrupted")
            self._context.debugger.run.mend()
            self._context.lines(show.where(self._context))
            return False
        except BadCommand as error:
            self._context.say(str(error))
            return False
        known = resolve(line.split()[0]) if line.split() else None
        self._last = line if known and known.name in REPEATED else ""
        return ended

    def emptyline(self) -> bool:
        """Nothing: `onecmd` has seen to it."""
        return False

    def completenames(self, text: str, *ignored: object) -> list[str]:
        """Commands that begin so."""
        return [name for name in (*COMMANDS, "help", "quit") if name.startswith(text)]

    def completedefault(self, *given: object) -> list[str]:
        """Names that may follow the command and begin as the word does."""
        text, line, *_ = (str(each) for each in given)
        command = resolve(line.split()[0].partition("/")[0])
        if command is None:
            return [name for name in COMMANDS if name.startswith(text)] if line.startswith("help") else []
        return [name for name in command.completes(self._context) if name.startswith(text)]


def execute(context: Context, line: str) -> bool:
    """
    Run a line; whether it ends the session. A comment begins with `#`.

    What the run itself does wrong is said, and counts as a fault. Raises BadCommand.
    """
    text = _COMMENT.split(line)[0].strip()
    if not text:
        return False
    word, _, rest = text.partition(" ")
    word, slash, form = word.partition("/")
    if word in ("quit", "q", "exit"):
        return True
    if word in ("help", "h", "?"):
        context.lines(help_on(rest.strip()))
        return False
    command = resolve(word)
    if command is None:
        raise BadCommand(near(word, (*COMMANDS, "help", "quit"), "command") + "; 'help' lists all")
    try:
        if not slash:
            command.run(context, rest.strip())
        elif command.switched is not None:
            command.switched(context, rest.strip(), form)
        else:
            raise BadCommand(f"{command.name} has no switch /{form}")
    except REFUSED as error:
        raise BadCommand(str(error)) from error
    except (IllegalRecord, HostFault) as error:
        context.say(f"fault: {error}")
        context.fault(str(error))
        context.lines(show.where(context))
    return False


def resolve(word: str) -> Command | None:
    """The command of a name, an alias, or the beginning of one name only."""
    if word in COMMANDS or word in ALIASES:
        return COMMANDS.get(word) or ALIASES[word]
    begun = [each for name, each in COMMANDS.items() if word and name.startswith(word)]
    return begun[0] if len(begun) == 1 else None


def help_on(word: str) -> Iterable[str]:
    """What there is, or how one command is used. Raises BadCommand."""
    if not word:
        for title, commands in GROUPS.items():
            yield f"{title}: " + ", ".join(each.name for each in commands)
        yield "beside these: help [COMMAND], quit. An empty line repeats a command that runs; Tab completes names."
        return
    command = resolve(word)
    if command is None:
        raise BadCommand(near(word, COMMANDS, "command"))
    yield f"{command.name} {command.usage}".rstrip()
    if command.aliases:
        yield f"  short: {', '.join(command.aliases)}"
    yield from textwrap.wrap(command.about, WIDTH, initial_indent="  ", subsequent_indent="  ")
