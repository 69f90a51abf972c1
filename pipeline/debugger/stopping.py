"""Commands about where a run stops."""

from collections.abc import Callable, Sequence

from pipeline.debugger.command import Command, both
from pipeline.debugger.context import Context
from pipeline.debugger.words import BadCommand, is_place, is_record, near, number, operand_of, place, record
from simulator.debugger import stops
from simulator.debugger.stops import Breakpoint, Place
from simulator.isa.table import SPECS

FAULTS = (*stops.DATA, "mismatch", "check")
"""What a breakpoint can be on, beside places in the program."""


def break_(context: Context, rest: str) -> None:
    """`break WHERE`."""
    made = context.debugger.add(at(context, rest))
    context.say(f"breakpoint {made.number}: {made.what}")


def once(context: Context, rest: str) -> None:
    """`tbreak WHERE`."""
    made = at(context, rest)
    made.once = True
    context.debugger.add(made)
    context.say(f"breakpoint {made.number}, once: {made.what}")


def at(context: Context, rest: str) -> Breakpoint:
    """The breakpoint that words describe. Raises BadCommand."""
    kind, _, named = rest.partition(" ")
    program = context.debugger.program
    if kind in KINDS and named:
        return KINDS[kind](context, named.strip())
    if rest in program.by_layer:
        return stops.at_layer(context.debugger.run, rest)
    if rest in context.debugger.tensors:
        return stops.at_tensor(context.debugger.tensors, rest)
    if kind in FAULTS:
        return _on_data(context, kind, named.strip())
    if is_record(rest):
        turn = record(rest, program)
        return stops.at_record(turn, context.debugger.program.title(turn))
    words = rest.rsplit(" ", 1)
    if is_place(words[0]) or is_place(rest):
        return _on_place(context, rest)
    if rest.upper() in SPECS:
        return _on_op(context, rest)
    if not rest:
        raise BadCommand(f"break where? {USAGE}")
    raise BadCommand(near(rest, (*both(context), *SPECS), "layer, tensor or op"))


def watch(context: Context, rest: str) -> None:
    """`watch TENSOR`, `watch PLACE`, `watch RECORD.OPERAND`."""
    debugger = context.debugger
    places: list[Place]
    if is_record(rest) and rest not in debugger.tensors:
        turn, _, operand, _ = operand_of(rest, debugger.program)
        places = [(operand, turn.core)]
    elif is_place(rest):
        extent = place(rest, debugger.program)
        places = [(extent, extent.core)]
    else:
        home = debugger.tensors.home(context.tensor(rest))
        if home.held:
            raise BadCommand(f"{rest} is the host's and lies nowhere; 'break {rest}' stops where it is made")
        places = list(dict.fromkeys((part.operand, part.core) for part in home.slices))
    made = debugger.add(stops.at_change(debugger.run, places, f"change of {rest}"))
    context.say(f"breakpoint {made.number}: {made.what}")


def delete(context: Context, rest: str) -> None:
    """`delete [N…]`."""
    for each in _numbered(context, rest):
        del context.debugger.breakpoints[each.number]


def enable(context: Context, rest: str) -> None:
    """`enable [N…]`."""
    for each in _numbered(context, rest):
        each.enabled = True


def disable(context: Context, rest: str) -> None:
    """`disable [N…]`."""
    for each in _numbered(context, rest):
        each.enabled = False


def _numbered(context: Context, rest: str) -> list[Breakpoint]:
    held = context.debugger.breakpoints
    numbers = [number(word) for word in rest.split()] or list(held)
    if unknown := [str(each) for each in numbers if each not in held]:
        raise BadCommand(
            f"there is no breakpoint {', '.join(unknown)}; there are {', '.join(map(str, held)) or 'none'}"
        )
    return [held[each] for each in numbers]


def _on_data(context: Context, kind: str, named: str) -> Breakpoint:
    debugger = context.debugger
    if named and kind != "check":
        raise BadCommand(f"nothing follows {kind}, not {named!r}: it stops at any record")
    if kind in stops.DATA:
        return debugger.data.at([stops.DATA[kind]], kind)
    if kind == "mismatch":
        if debugger.reference is None:
            raise BadCommand("there is nothing to compare with; give results with --against")
        return stops.at_mismatch(debugger.reference)
    found = [each for each in debugger.examined.findings if named in ("", each.check)]
    return stops.at_findings(found, f"{len(found)} findings{f' of {named}' if named else ''}")


def _on_place(context: Context, named: str) -> Breakpoint:
    rest, _, how = named.rpartition(" ")
    write = {"read": False, "write": True}.get(how)
    text = named if write is None else rest
    return stops.at_bytes(context.debugger.program, place(text, context.debugger.program), write, f"at {named}")


def _on_op(context: Context, named: str) -> Breakpoint:
    program = context.debugger.program
    hosted = {program.op(moment) for moment in program.moments}
    op = named if named in hosted else named.upper()
    if op not in hosted:
        raise BadCommand(near(op, hosted, "op in this program"))
    return stops.at_op(program, op)


def _on_layer(context: Context, named: str) -> Breakpoint:
    context.layer(named)
    return stops.at_layer(context.debugger.run, named)


def _on_tensor(context: Context, named: str) -> Breakpoint:
    return stops.at_tensor(context.debugger.tensors, context.tensor(named))


KINDS: dict[str, Callable[[Context, str], Breakpoint]] = {
    "layer": _on_layer,
    "tensor": _on_tensor,
    "op": _on_op,
    "at": _on_place,
}

USAGE = (
    "LAYER | layer LAYER | tensor TENSOR | op OP | RECORD | at PLACE [read|write] | check [KIND] | nan | overflow | "
    "mismatch"
)

WHERE = (
    "before a layer's first record, after each record that finishes some of a tensor, before records of an op, before "
    "one record, before records that touch bytes, where a static check has a finding, after a record that makes a NaN "
    "or an infinity of numbers that were none, or a sum that int32 can't hold, or after one that leaves a tensor "
    "unlike the results of --against"
)

COMMANDS: Sequence[Command] = (
    Command("break", USAGE, f"Stop {WHERE}. A bare name is a layer's if there is one.", break_, ("b",), None, both),
    Command("tbreak", USAGE, "As 'break', but only once.", once, (), None, both),
    Command(
        "watch", "TENSOR | PLACE | RECORD.OPERAND",
        "Stop after each record that changes the bytes where a tensor lies once it is made, those of a place such as "
        "LOCAL+0x100%3:64, or those of an operand such as 'tiu 57.out'.",
        watch, ("w",), None, both,
    ),
    Command("delete", "[N …]", "Remove breakpoints, all if none is named.", delete, ("d",)),
    Command("disable", "[N …]", "Pass over breakpoints, all if none is named.", disable),
    Command("enable", "[N …]", "Heed breakpoints again.", enable),
)  # fmt: skip
