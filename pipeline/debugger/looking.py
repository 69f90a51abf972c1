"""Commands that look: at tensors, memory, records, and at how far things are."""

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase

import numpy as np

from pipeline.debugger import show, values
from pipeline.debugger.command import Command, both, tensors
from pipeline.debugger.context import Context
from pipeline.debugger.words import (
    BadCommand,
    count,
    element_type,
    index,
    indexed,
    is_record,
    near,
    number,
    operand_of,
    place,
    record,
)
from simulator.cores import Turn

BYTES = 64
"""What `x` shows where no count is given."""

ROWS = 40
"""Lines of a list of records, where no pattern narrows it."""


def print_(context: Context, rest: str, form: str = "") -> None:
    """`print[/s|/r] TENSOR[INDEX]`, or `print RECORD.OPERAND[INDEX]`."""
    if form not in ("", "s", "r"):
        raise BadCommand(f"print/{form}? There are print/s, as stored, and print/r, real numbers")
    if not rest:
        raise BadCommand("print what? Name a tensor, or an operand such as 'tiu 57.filter'")
    program = context.debugger.program
    if is_record(rest) and rest not in context.debugger.tensors:
        turn, name, operand, after = operand_of(rest, program)
        asked = index(after[1:-1]) if after.startswith("[") and after.endswith("]") else ()
        tensor = context.operands(turn).get(name, "")
        what = f"{context.debugger.program.title(turn)}.{name}" + (f", {tensor}" if tensor else "")
        context.lines(values.operand(context, operand, turn.core, what, asked))
        return
    name, asked = indexed(rest, context.debugger.tensors.names)
    context.lines(values.tensor(context, context.tensor(name), asked, form))


def examine(context: Context, rest: str, form: str = "") -> None:
    """`x[/COUNT][TYPE] PLACE`."""
    digits = form[: len(form) - len(form.lstrip("0123456789"))]
    kind = element_type(form[len(digits) :] or "x8")
    size = kind.itemsize * number(digits) if digits else BYTES
    extent = place(rest, context.debugger.program, size)
    context.lines(values.memory(context, extent, kind, form[len(digits) :] in ("", "x8")))


def who(context: Context, rest: str) -> None:
    """`who PLACE`."""
    debugger = context.debugger
    extent = place(rest, debugger.program)
    turns = sorted(debugger.program.touching(extent, extent.core), key=debugger.run.position)
    writers = set(debugger.program.touching(extent, extent.core, write=True))
    if not turns:
        context.say("no record touches that")
    for turn in turns:
        done = "done " if debugger.run.position(turn) < debugger.run.at else "ahead"
        does = "writes" if turn in writers else "reads "
        context.say(f"{done} {does} {show.moment(context, turn)}")


def where(context: Context, rest: str) -> None:
    """`where`."""
    context.lines(show.where(context))
    upcoming = context.debugger.run.next()
    if not isinstance(upcoming, Turn):
        return
    tensors = context.debugger.tensors
    for name in dict.fromkeys(context.operands(upcoming).values()):
        if name in tensors:
            known, total = tensors.progress(name)
            context.say(f"  {name}: {known:,} of {total:,} elements finished")


def list_(context: Context, rest: str) -> None:
    """`list [N]`."""
    around = count(rest) if rest else show.AROUND
    context.lines(show.around(context, around, around))


def dis(context: Context, rest: str) -> None:
    """`dis [RECORD | N]`."""
    run, program = context.debugger.run, context.debugger.program
    if is_record(rest):
        context.lines(show.whole(context, record(rest, program)))
        return
    shown = [moment for moment in run.moments[run.at : run.at + count(rest)] if isinstance(moment, Turn)]
    for turn in shown:
        context.lines(show.whole(context, turn))
    if not shown:
        context.say("no record comes next")


def compare(context: Context, rest: str) -> None:
    """`compare [TENSOR]`."""
    debugger = context.debugger
    if debugger.reference is None:
        raise BadCommand("there is nothing to compare with; give results with --against")
    held = debugger.reference.arrays
    name = context.tensor(rest) if rest else ""
    if name and name not in held:
        raise BadCommand(f"the results have no {name}")
    seen = debugger.tensors.collect([name] if name else list(held))
    known = {key: each for key, each in seen.items() if each.known.any()}
    found = debugger.reference.compare(known)
    for each in found:
        context.say(str(each))
        context.fault(str(each))
    partly = sum(not each.complete for each in known.values())
    context.say(
        f"{len(known) - len(found)} of {len(known)} tensors agree"
        + (f", {partly} of them as far as they are finished" if partly else "")
        + (f"; {len(seen) - len(known)} have nothing finished yet" if len(known) < len(seen) else "")
    )


def check(context: Context, rest: str) -> None:
    """`check`."""
    found = context.debugger.examined.findings
    for each in found:
        context.say(str(each))
        context.fault(str(each))
    if not found:
        context.say("the checks find nothing")


def info(context: Context, rest: str) -> None:
    """`info WHAT [PATTERN]`."""
    what, _, pattern = rest.partition(" ")
    if what not in TOPICS:
        close = [topic for topic in TOPICS if what and topic.startswith(what)]
        if len(close) != 1:
            raise BadCommand(f"info about what? There are {', '.join(TOPICS)}")
        what = close[0]
    context.lines(TOPICS[what](context, pattern.strip()))


def _records(context: Context, pattern: str) -> Iterator[str]:
    run, program = context.debugger.run, context.debugger.program
    chosen = [
        i
        for i, moment in enumerate(run.moments)
        if not pattern or fnmatchcase(program.layer(moment), pattern) or program.op(moment) == pattern.upper()
    ]
    first = 0 if pattern else max(run.at - ROWS // 2, 0)
    for i in chosen[first : first + ROWS]:
        mark = "=>" if i == run.at else " x" if i < run.at else "  "
        yield f"{mark} {show.line(context, run.moments[i])}"
    if len(chosen) > ROWS:
        yield f"{len(chosen)} in all, {min(ROWS, len(chosen) - first)} shown; 'x' marks what is done"


def _layers(context: Context, pattern: str) -> Iterator[str]:
    debugger = context.debugger
    run = debugger.run
    names = [name for name in debugger.program.by_layer if fnmatchcase(name, pattern or "*")]
    if not names:
        raise BadCommand(near(pattern, debugger.program.by_layer, "layer"))
    for name in names:
        moments = debugger.program.by_layer[name]
        done = sum(run.position(moment) < run.at for moment in moments)
        group = f"  ; {debugger.groups[name]}" if name in debugger.groups else ""
        yield f"{done:>5} of {len(moments):<5} records done  {name}{group}"


def _tensors(context: Context, pattern: str) -> Iterator[str]:
    tensors = context.debugger.tensors
    names = [name for name in tensors.names if fnmatchcase(name, pattern or "*")]
    if not names:
        raise BadCommand(near(pattern, tensors.names, "tensor"))
    for name in names:
        known, total = tensors.progress(name)
        tensor = tensors[name]
        folded = f"  ; has the bytes of {tensor.folded_into}" if tensor.folded_into else ""
        kind = tensor.held or tensor.dtype.name.lower()
        yield f"{known / max(total, 1):>6.1%}  {name}: {kind} {list(tensor.shape)}{folded}"


def _breakpoints(context: Context, pattern: str) -> Iterator[str]:
    for each in context.debugger.breakpoints.values():
        state = "" if each.enabled else ", disabled"
        yield f"{each.number}: {each.what}{', once' if each.once else ''}{state}, stopped {each.hits} times"
    if not context.debugger.breakpoints:
        yield "no breakpoints"


def _waits(context: Context, pattern: str) -> Iterator[str]:
    return show.waits(context)


def _changes(context: Context, pattern: str) -> Iterator[str]:
    for at, edit in context.debugger.run.edits:
        where = edit.operand
        core = f" of core {edit.core}" if len(context.model.cores) > 1 else ""
        size = int(np.prod(where.dims)) * where.dtype.itemsize
        yield f"after {at} moments: {size:,} bytes at {where.region.name}+{where.addr}{core}"
    if not context.debugger.run.edits:
        yield "nothing was changed by hand"


TOPICS: dict[str, Callable[[Context, str], Iterator[str]]] = {
    "records": _records,
    "layers": _layers,
    "tensors": _tensors,
    "waits": _waits,
    "breakpoints": _breakpoints,
    "changes": _changes,
}

COMMANDS: Sequence[Command] = (
    Command(
        "print", "[/s | /r] TENSOR[INDEX] | RECORD.OPERAND[INDEX]",
        "Show a tensor: its type and meaning, how much of it is finished, where it lies, and its values as stored "
        "(/s), as real numbers (/r), or both. A tensor that memory no longer has is made again. An operand, such as "
        "'tiu 57.filter', is shown as memory has it now. INDEX is as numpy's: [0, 3, :, 2:8].",
        print_, ("p",), print_, tensors,
    ),
    Command(
        "x", "[/COUNT TYPE] PLACE",
        "Show memory: 'x LOCAL+0x100%3' 64 bytes of lane 3, 'x/8f32 IO+0' eight floats; without a lane, of every lane. "
        "TYPE is x8, i8, u8, i32, f32, bf16 or f16.",
        examine, (), examine,
    ),
    Command("who", "PLACE", "List the records that read or write any of these bytes, in the run's order.", who),
    Command(
        "info", "records | layers | tensors [PATTERN] | waits | breakpoints | changes", "List these.", info, ("i",)
    ),
    Command("where", "", "Say what comes next, of which layer, in which cycle, and how far its tensors are.", where),
    Command("list", "[N]", "List the moments around here, N (5) before and after.", list_, ("l",)),
    Command("dis", "[N | RECORD]", "Show the next N (1) records, or one, as the assembler reads them.", dis),
    Command("compare", "[TENSOR]", "Hold what is finished against the results of --against.", compare, (), None, both),
    Command("check", "", "Run the static checks and list what they find.", check),
)  # fmt: skip
