"""Records and the state of a run as lines of text."""

from collections.abc import Iterator, Sequence

from pipeline.debugger.context import Context
from simulator.checks.walk import Access
from simulator.cores import Turn
from simulator.debugger.order import Hosted, Moment, runnable
from simulator.isa.table import Engine
from simulator.isa.text import text_of

AROUND = 5
"""Moments shown before the next one, and after it."""


def moment(context: Context, what: Moment) -> str:
    """A record or an op of the host in a few words: `TIU 5 CONV conv1 <- x, conv1:filter, conv1:params`."""
    program = context.debugger.program
    if isinstance(what, Hosted):
        made, read = (
            ", ".join(value.name for value in values)
            for values in (program.hosted(what).outputs, program.hosted(what).inputs)
        )
        return f"{program.title(what)} {made} <- {read}"
    try:
        accesses = program.accesses(what)
    except ValueError as error:
        return f"{program.title(what)} illegal: {error}"
    _, command = program.kind(what)
    function = f".{command.function}" if command.function else ""
    return f"{program.title(what)} {command.op}{function}{_told(context, what, accesses)}"


def line(context: Context, what: Moment) -> str:
    """As `moment`, and its layer where that isn't the tensor it makes."""
    layer, told = context.debugger.program.layer(what), moment(context, what)
    return told if not layer or layer in told.replace(",", "").split() else f"{told}  ; {layer}"


def _told(context: Context, what: Turn, accesses: Sequence[Access]) -> str:
    """The tensors of a record's operands; what belongs to its layer alone, such as the filter, by the role."""
    known, layer = context.operands(what), context.debugger.program.layer(what)
    names = {each.name: (known.get(each.name) or each.name).removeprefix(layer) for each in accesses}
    names = {key: name if name not in ("", layer) else layer for key, name in names.items()}
    made = [each for each in accesses if each.write]
    read = dict.fromkeys(names[each.name] for each in accesses if not each.write)
    if not made:
        return ""
    if list(read) == [names[made[0].name]]:
        regions = [each.operand.region.name for each in accesses]
        return f" {names[made[0].name]}, {regions[0]} to {regions[-1]}"
    return f" {', '.join(names[each.name] for each in made)} <- {', '.join(read)}"


def whole(context: Context, turn: Turn) -> Iterator[str]:
    """A record as the assembler reads it, and what each operand is."""
    program = context.debugger.program
    try:
        command = program.command(turn)
    except ValueError as error:
        yield f"{program.title(turn)}  illegal: {error}"
        return
    yield f"{program.title(turn)}  {text_of(command)}"
    layer, names = program.layer(turn), context.operands(turn)
    told = [f"{name} is {tensor}" for name, tensor in names.items() if tensor and not tensor.startswith(f"{layer}:")]
    if layer:
        yield f"    layer {layer}" + (f"; {', '.join(told)}" if told else "")


def around(context: Context, before: int = AROUND, after: int = AROUND) -> Iterator[str]:
    """The moments about to run and those just done, in the run's order; `=>` is before the next."""
    run = context.debugger.run
    first, last = max(run.at - before, 0), min(run.at + after + 1, len(run.moments))
    for i in range(first, last):
        yield f"{'=>' if i == run.at else '  '} {line(context, run.moments[i])}"
    if run.at == len(run.moments):
        yield "=> " + ("the end" if run.done else "nothing can run: see 'info waits'")


def where(context: Context) -> Iterator[str]:
    """How far the run is, and what comes next: in one line, so that it can follow each stop."""
    debugger = context.debugger
    run, upcoming = debugger.run, debugger.run.next()
    done = f"{run.at} of {len(debugger.program.moments)} done"
    if upcoming is None:
        yield done + ("" if run.done else "; nothing can run")
        return
    cycle = ""
    if isinstance(upcoming, Turn) and debugger.timelines:
        start = debugger.timelines[upcoming.core].track(upcoming.engine).start[upcoming.at]
        cycle = f", cycle {int(start):,}"
    yield f"{done}{cycle}; next: {line(context, upcoming)}"


def waits(context: Context) -> Iterator[str]:
    """What each engine would run next, and what that waits for."""
    debugger = context.debugger
    walk, upcoming = debugger.run.walk(), debugger.run.next()
    ready = runnable(walk)
    for core, engine in walk.engines(None):
        at, last = walk.done[core][engine], len(debugger.program.records(core, engine))
        if at == last:
            yield f"   {_engine(context, core, engine)}: at its end, {last} records done"
            continue
        turn = Turn(core, engine, at)
        state = "can run" if (core, engine) in ready else f"waits for {walk.held_by(core, engine, at)}"
        if at == walk.ends[core][engine]:
            state = "waits for the host"
        yield f"{'=>' if turn == upcoming else '  '} {_engine(context, core, engine)}: {at} of {last} done, {state}"
        yield f"      {moment(context, turn)}"
    if isinstance(upcoming, Hosted):
        yield f"=> {moment(context, upcoming)}"


def _engine(context: Context, core: int, engine: Engine) -> str:
    return f"core {core} {engine.name}" if len(context.model.cores) > 1 else engine.name
