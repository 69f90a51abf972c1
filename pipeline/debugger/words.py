"""What a user types, as the debugger's engine takes it: names, records, places in memory, indices, numbers."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.checks.program import sizes
from simulator.cores import Turn
from simulator.debugger.program import Extent, Program
from simulator.isa.record import Operand
from simulator.isa.table import DType, Engine, Region
from simulator.memory import NUMPY

Index = tuple[int | slice, ...]

_RECORD = re.compile(r"(?:core\s*(?P<core>\d+)[\s,]+)?(?P<engine>tiu|gdma)\s*(?P<number>\d+)", re.IGNORECASE)
_PLACE = re.compile(
    r"(?:core\s*(?P<core>\d+)[\s,]+)?(?P<region>[a-z]+)\s*\+\s*(?P<start>\w+)"
    r"(?:%(?P<lane>\d+)|:(?P<size>\w+)){,2}",
    re.IGNORECASE,
)
_TYPES = {kind.name.lower(): dtype for kind, dtype in NUMPY.items()} | {"x8": np.dtype(np.uint8)}


class BadCommand(ValueError):
    """A line that says nothing the debugger can do; the message says what it would have understood."""


def near(word: str, known: Iterable[str], what: str) -> str:
    """That there is no such thing, and what is spelt much like it; `what` has the article."""
    held = list(known)
    close = get_close_matches(word, held, 3, 0.5) or [name for name in held if word and word in name][:3]
    return f"there is no {what} {word!r}" + (f"; near it are {', '.join(close)}" if close else "")


def number(text: str) -> int:
    """A whole number, decimal or 0x…. Raises BadCommand."""
    try:
        return int(text, 0)
    except ValueError:
        raise BadCommand(f"{text!r} isn't a whole number") from None


def count(text: str) -> int:
    """How often; once if nothing is said. Raises BadCommand."""
    if (times := number(text) if text else 1) < 1:
        raise BadCommand(f"{times} times is never")
    return times


def is_record(text: str) -> bool:
    """Whether words begin with a record."""
    return _RECORD.match(text.strip()) is not None


def record(text: str, program: Program) -> Turn:
    """The record of `[core K] tiu|gdma N`. Raises BadCommand."""
    turn, rest = leading_record(text, program)
    if rest:
        raise BadCommand(f"{rest!r} follows the record; write one as 'tiu 57' or 'core 1 gdma 3'")
    return turn


def leading_record(text: str, program: Program) -> tuple[Turn, str]:
    """The record that words begin with, and the rest of them. Raises BadCommand."""
    found = _RECORD.match(text.strip())
    if found is None:
        raise BadCommand(f"{text!r} is no record; write one as 'tiu 57' or 'core 1 gdma 3'")
    core, engine, at = int(found["core"] or 0), Engine[found["engine"].upper()], int(found["number"])
    if core >= (cores := len(program.model.cores)):
        raise BadCommand(f"there is no core {core}; the model has {cores}, counted from 0")
    if not 1 <= at <= (last := len(program.records(core, engine))):
        raise BadCommand(f"there is no {engine.name} record {at}; core {core} has 1 to {last}")
    return Turn(core, engine, at - 1), text.strip()[found.end() :].strip()


def operand_of(text: str, program: Program) -> tuple[Turn, str, Operand, str]:
    """
    The operand of `tiu 57.filter`: its record, its name, where it lies, and the words that follow.

    Raises BadCommand.
    """
    turn, rest = leading_record(text, program)
    found = re.match(r"\.?\s*(\w+)", rest)
    try:
        present = {each.name: each.operand for each in program.accesses(turn)}
    except ValueError as error:
        raise BadCommand(f"{turn.engine.name} {turn.at + 1} is no record that the chip knows: {error}") from error
    if found is None or found[1] not in present:
        missing = near(found[1], present, "operand") if found else "which operand?"
        raise BadCommand(f"{missing}; {program.op(turn)} has {', '.join(present) or 'none'}: write 'tiu 57.out'")
    return turn, found[1], present[found[1]], rest[found.end() :].strip()


def is_place(text: str) -> bool:
    """Whether words are a place in memory."""
    found = _PLACE.fullmatch(text.strip())
    return found is not None and any(region.name.startswith(found["region"].upper()) for region in Region)


def place(text: str, program: Program, size: int = 1) -> Extent:
    """The bytes of `[core K] REGION+START[%LANE][:SIZE]`, `size` of them where nothing is said. Raises BadCommand."""
    found = _PLACE.fullmatch(text.strip())
    regions = [each for each in Region if found and each.name.startswith(found["region"].upper())]
    if found is None or not regions:
        names = ", ".join(region.name for region in Region)
        raise BadCommand(f"{text!r} is no place; write one as LOCAL+0x100:64 or LOCAL+256%3:64, of {names}")
    model, region = program.model, regions[0]
    limits = sizes(model)
    start = number(found["start"])
    stop = start + (number(found["size"]) if found["size"] else size)
    if not 0 <= start < stop <= limits[region]:
        raise BadCommand(f"bytes {start:,} to {stop:,} aren't within {region.name}, which has {limits[region]:,}")
    core, lane = int(found["core"] or 0), None if found["lane"] is None else int(found["lane"])
    if lane is not None and (region != Region.LOCAL or lane >= model.chip.lanes):
        raise BadCommand(f"there is no lane {lane} in {region.name}; LOCAL has 0 to {model.chip.lanes - 1}")
    if core >= len(model.cores):
        raise BadCommand(f"there is no core {core}; the model has {len(model.cores)}, counted from 0")
    return Extent(region, start, stop, core, lane)


def indexed(text: str, known: Iterable[str]) -> tuple[str, Index]:
    """
    A name of `known` with what follows in square brackets as an index; names may have brackets of their own.

    Raises BadCommand for indices that aren't numbers or slices.
    """
    text = text.strip()
    if text in set(known) or not text.endswith("]") or "[" not in text:
        return text, ()
    name, _, inner = text[:-1].rpartition("[")
    return name.strip(), index(inner)


def index(text: str) -> Index:
    """What stands between square brackets. Raises BadCommand."""
    made: list[int | slice] = []
    for part in text.split(","):
        try:
            bounds = [int(word) if word.strip() else None for word in part.split(":")]
        except ValueError:
            bounds = []
        if not 1 <= len(bounds) <= 3 or bounds == [None]:
            raise BadCommand(f"[{text}] is no index; write one as [0, 3, :, 2:8]")
        made.append(bounds[0] if len(bounds) == 1 and bounds[0] is not None else slice(*bounds))
    return tuple(made)


def chosen(values: NDArray[Any], index: Index, name: str) -> Any:
    """The part of an array. Raises BadCommand where it has none there."""
    try:
        return values[index]
    except IndexError as error:
        raise BadCommand(f"{name}: {error}") from None


def element_type(text: str) -> np.dtype[Any]:
    """An element type by the name that the assembler has for it, or x8 for bytes in hex. Raises BadCommand."""
    if text not in _TYPES:
        raise BadCommand(near(text, _TYPES, "type") + f"; types are {', '.join(_TYPES)}")
    return _TYPES[text]


def kind_of(dtype: np.dtype[Any]) -> DType:
    """The chip's name of an element type."""
    return next(kind for kind, held in NUMPY.items() if held == dtype)
