"""A program's records for people: numbered, timed, with the tensors, layers and groups that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from simulator.concurrent import run_cores
from simulator.events import Timeline
from simulator.isa.record import Command, Operand, Records, decode
from simulator.isa.table import SPECS, Engine, Flag
from simulator.isa.text import params_text
from simulator.model_file import Model
from simulator.naming import Names
from simulator.timing import used

_WORKING = frozenset(spec.code for spec in SPECS.values() if spec.operands)


class NoSuchPart(ValueError):
    """A layer, group or core that the program doesn't have; the message has the nearest, or what there is."""


class NoCommand(ValueError):
    """A record that says nothing; the message names it."""


@dataclass(frozen=True)
class Choice:
    """Which records to list; what is left out isn't asked for."""

    layer: str = ""
    core: int | None = None
    engine: Engine | None = None
    group: str = ""


@dataclass(frozen=True)
class Line:
    """The 1-based record of a core's engine; `tensors` by operand, `start` and `cycles` None where not timed."""

    core: int
    engine: Engine
    record: int
    command: Command
    layer: str
    group: str
    tensors: Mapping[str, str]
    start: int | None = None
    cycles: int | None = None

    @property
    def op(self) -> str:
        """Op, and function if it has any."""
        return f"{self.command.op}.{self.command.function}" if self.command.function else self.command.op

    def operands(self) -> Iterator[tuple[str, Operand]]:
        """Those that the record uses."""
        return iter(used(self.command).items())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        operands = {
            name: {
                "tensor": self.tensors.get(name, ""),
                "type": operand.dtype.name.lower(),
                "region": operand.region.name,
                "address": operand.addr,
                "lane": operand.lane,
                "dims": operand.dims,
                "strides": operand.strides,
            }
            for name, operand in self.operands()
        }
        timed = {} if self.start is None else {"start": self.start, "cycles": self.cycles}
        command = self.command
        return {
            "core": self.core, "engine": self.engine.name, "record": self.record, "op": command.op,
            "function": command.function, "wait": command.wait, "tag": command.tag,
            "flags": [flag.name for flag in Flag if flag and flag in command.flags],
            "layer": self.layer, "group": self.group, **timed, "operands": operands,
            # Infinities and NaN have no numbers in JSON: such a clamp is text.
            "params": {name: _plain(value) for name, value in command.params.items()},
        }  # fmt: skip


def listed(model: Model, choice: Choice, groups: Mapping[str, str], timed: bool = False) -> Iterator[Line]:
    """
    The chosen records in the order of their streams; `groups` has the group of each layer.

    Raises NoSuchPart, NoCommand, and if `timed` Deadlock.
    """
    _check(model, choice, groups)
    _check_records(model)
    names, timelines = Names(model), run_cores(model.cores, model.chip) if timed else None
    for core, streams in enumerate(model.cores):
        for engine in Engine:
            if choice.core in (None, core) and choice.engine in (None, engine):
                records = streams.of(engine)
                layers = _layers(model, records)
                for at in _chosen(layers, choice, groups):
                    yield _line(names, core, engine, at, decode(records[at]), layers[at], groups, timelines)


def columns(lines: Iterable[Line]) -> Iterator[str]:
    """A table for each engine of each core, under its name."""
    made: list[Line] = []
    for line in lines:
        if made and (made[0].core, made[0].engine) != (line.core, line.engine):
            yield from _table(made)
            made = []
        made.append(line)
    yield from _table(made)


def _table(lines: Sequence[Line]) -> Iterator[str]:
    if not lines:
        return
    yield f"core {lines[0].core} {lines[0].engine.name}"
    timed, grouped = lines[0].start is not None, any(line.group for line in lines)
    head = ["record", *(["start", "cycles"] if timed else []), "wait", "op", "layer", *(["group"] if grouped else [])]
    rows = [head, *(_cells(line, timed, grouped) for line in lines)]
    numbers = 4 if timed else 2
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row, told in zip(rows, ["operands", *map(_told, lines)], strict=True):
        cells = (
            cell.rjust(width) if at < numbers else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join((*cells, told)).rstrip()
    yield ""


def _cells(line: Line, timed: bool, grouped: bool) -> list[str]:
    times = [str(line.start), str(line.cycles)] if timed else []
    wait = str(line.command.wait) if line.command.wait else ""
    return [str(line.record), *times, wait, line.op, line.layer, *([line.group] if grouped else [])]


def _told(line: Line) -> str:
    """Operands with their tensors, flags and parameters."""
    words = [f"{name}={line.tensors.get(name, '') or '?'} {_where(operand)}" for name, operand in line.operands()]
    if line.command.flags:
        words.append("|".join(str(flag.name) for flag in Flag if flag and flag in line.command.flags))
    return "  ".join((*words, " ".join(params_text(line.command))))


def _where(operand: Operand) -> str:
    lane = f"%{operand.lane}" if operand.lane else ""
    dims = ",".join(map(str, operand.dims))
    return f"{operand.dtype.name.lower()}({dims})@{operand.region.name}+{operand.addr}{lane}"


def _line(
    names: Names, core: int, engine: Engine, at: int, command: Command, layer: str, groups: Mapping[str, str],
    timelines: Sequence[Timeline] | None,
) -> Line:  # fmt: skip
    times = (None, None)
    if timelines is not None:
        track = timelines[core].track(engine)
        times = int(track.start[at]), int(track.free[at] - track.start[at])
    return Line(core, engine, at + 1, command, layer, groups.get(layer, ""), names.all(core, engine, at + 1), *times)


def _layers(model: Model, records: Records) -> list[str]:
    """The layer of each record; none of those that have no operands, whose tags mean nothing."""
    pairs: Iterable[tuple[int, int]] = zip(records["op"].tolist(), records["tag"].tolist(), strict=True)
    return [model.layers[tag] if code in _WORKING and tag < len(model.layers) else "" for code, tag in pairs]


def _chosen(layers: Sequence[str], choice: Choice, groups: Mapping[str, str]) -> Iterator[int]:
    """The records, by index, of the chosen layer and group."""
    for at, layer in enumerate(layers):
        if choice.layer in ("", layer) and choice.group in ("", groups.get(layer, "")):
            yield at


def _check(model: Model, choice: Choice, groups: Mapping[str, str]) -> None:
    """Raise NoSuchPart for what isn't there."""
    if choice.core is not None and not 0 <= choice.core < len(model.cores):
        raise NoSuchPart(f"there is no core {choice.core}: the program has {len(model.cores)}, counted from 0")
    for what, name, known in (("layer", choice.layer, model.layers), ("group", choice.group, set(groups.values()))):
        if name and name not in known:
            near = ", ".join([other for other in known if name in other][:3] or get_close_matches(name, known, 3, 0.4))
            mend = f"the nearest are {near}" if near else f"none is near it; leave --{what} to see all"
            raise NoSuchPart(f"no {what} is called {name!r}; {mend}")


def _check_records(model: Model) -> None:
    """Raise NoCommand for a record that isn't one."""
    for core, streams in enumerate(model.cores):
        for engine in Engine:
            for number, record in enumerate(streams.of(engine), 1):
                try:
                    decode(record)
                except ValueError as error:
                    where = f"core {core} {engine.name} record {number}"
                    raise NoCommand(f"{where}: {error}; tpuflow dis --plain shows its bytes") from error


def _plain(value: float) -> float | str:
    return value if abs(value) < float("inf") else str(value)
