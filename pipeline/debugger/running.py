"""Commands that run: forwards by record, layer or group, back, and in another order."""

from collections.abc import Sequence

from pipeline.debugger import show
from pipeline.debugger.command import Command, both, layers
from pipeline.debugger.context import Context
from pipeline.debugger.words import BadCommand, count, is_record, near, number, record
from simulator.debugger.order import ORDERS
from simulator.isa.table import Engine


def step(context: Context, rest: str) -> None:
    """`step [N]`, or `step [core K] tiu|gdma [N]`."""
    words = rest.split()
    core = 0
    if words[:1] == ["core"] and len(words) > 1:
        core, words = number(words[1]), words[2:]
        if core >= len(context.model.cores):
            raise BadCommand(f"there is no core {core}; the model has {len(context.model.cores)}, counted from 0")
    if words and words[0].upper() in Engine.__members__:
        times = count(" ".join(words[1:]))
        context.stopped(context.debugger.step_engine(core, Engine[words[0].upper()], times))
    else:
        context.stopped(context.debugger.step(count(" ".join(words))))
    context.lines(show.where(context))


def next_layer(context: Context, rest: str) -> None:
    """`next [N]`."""
    context.stopped(context.debugger.next_layer(count(rest)))
    context.lines(show.where(context))


def group(context: Context, rest: str) -> None:
    """`group [N]`."""
    context.stopped(context.debugger.next_group(count(rest)))
    context.lines(show.where(context))


def go_on(context: Context, rest: str) -> None:
    """`continue`."""
    _nothing_follows(rest)
    context.stopped(context.debugger.go_on())
    context.lines(show.where(context))


def until(context: Context, rest: str) -> None:
    """`until RECORD`, or `until LAYER`."""
    program, run = context.debugger.program, context.debugger.run
    if is_record(rest) and rest not in program.by_layer:
        context.stopped(context.debugger.until(record(rest, program)))
    else:
        context.stopped(context.debugger.until(min(context.layer(rest), key=run.position)))
    context.lines(show.where(context))


def finish(context: Context, rest: str) -> None:
    """`finish [LAYER or TENSOR]`: that of the next record if none is named."""
    debugger = context.debugger
    upcoming = debugger.run.next()
    name = rest or (debugger.program.layer(upcoming) if upcoming else "")
    if name in debugger.program.by_layer:
        stop = debugger.finish(debugger.program.by_layer[name], f"layer {name}")
    elif not name:
        raise BadCommand("what comes next is of no layer; name a layer or a tensor")
    else:
        tensor = context.tensor(name)
        stop = debugger.finish(debugger.tensors.moments(tensor), f"tensor {tensor}")
    context.stopped(stop)
    context.lines(show.where(context))


def back(context: Context, rest: str) -> None:
    """`back [N]`, `back RECORD`, `back LAYER`, or `back break`."""
    debugger = context.debugger
    if rest == "break":
        context.say(debugger.back_to_stop().why)
    elif not rest or rest.isdigit():
        debugger.back(count(rest))
    else:
        program, run = debugger.program, debugger.run
        known = is_record(rest) and rest not in program.by_layer
        goal = record(rest, program) if known else min(context.layer(rest), key=run.position)
        if run.position(goal) >= run.at:
            raise BadCommand(f"{rest} hasn't run yet; 'until {rest}' goes there")
        run.to(run.position(goal))
    context.lines(show.where(context))


def again(context: Context, rest: str) -> None:
    """`run`."""
    _nothing_follows(rest)
    context.debugger.again()
    context.lines(show.where(context))


def order(context: Context, rest: str) -> None:
    """`order [NAME [SEED]]`."""
    run, words = context.debugger.run, rest.split()
    if words:
        if words[0] not in ORDERS:
            raise BadCommand(near(words[0], ORDERS, "order") + f"; orders are {', '.join(ORDERS)}")
        run.choose(words[0], number(words[1]) if len(words) > 1 else 0)
    context.say(f"order {run.order}" + (f", seed {run.seed}" if run.order == "random" else ""))
    if words:
        context.lines(show.where(context))


def _nothing_follows(rest: str) -> None:
    if rest:
        raise BadCommand(f"nothing follows this command, not {rest!r}")


COMMANDS: Sequence[Command] = (
    Command(
        "step", "[N] | [core K] tiu|gdma [N]",
        "Run N records (1), or ops of the host. With an engine, run its records next whatever the order; the rest of "
        "the run follows from there.",
        step, ("s",),
    ),
    Command("next", "[N]", "Run until all records of N more layers (1) are done, stores too.", next_layer, ("n",)),
    Command("group", "[N]", "Run until N more layer groups (1) are done.", group, ("g",)),
    Command(
        "until", "RECORD | LAYER",
        "Run to right before a record, such as 'tiu 57' or 'core 1 gdma 3', or before a layer's first record.",
        until, ("u",), None, layers,
    ),
    Command(
        "finish", "[LAYER | TENSOR]",
        "Run until a layer or tensor is finished; that of the next record if none is named.",
        finish, ("f",), None, both,
    ),
    Command("continue", "", "Run to the next breakpoint, or to the end.", go_on, ("c",)),
    Command(
        "back", "[N] | RECORD | LAYER | break",
        "Undo N moments (1), or go back to right before a record or a layer, or to where the last breakpoint would "
        "have stopped. Changes by 'set' that were made after there are forgotten.",
        back, (), None, layers,
    ),
    Command("run", "", "Begin again. What was 'set' before the first record stays set.", again, ("r",)),
    Command(
        "order", "[machine | time | gdma | random [SEED]]",
        "Show or choose the order in which engines take turns from here on: the machine's (each core as far as it can, "
        "its TIU first), the cycle model's, transfers first, or any legal one at random.",
        order, (), None, lambda context: ORDERS,
    ),
)  # fmt: skip
