"""Words of a program's lines that aren't records: names, shapes, boxes and fields."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.arithmetic.casts import steps
from simulator.debug_map import Range, SliceBox
from simulator.isa.parse import Word, chosen, member, whole
from simulator.isa.table import DType

_FRAME = re.compile(r"(?P<dtype>\w+)\((?P<shape>[^()]*)\)(?:\+(?P<offset>.*))?")
_NUMBER = re.compile(r"-?\d+")

FORMS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "scale": ((float, int, list), "a number such as 0.5, or one for each index of an axis, [0.5,0.25]"),
    "zero_point": ((int, list), "a whole number, or one for each index of an axis, [0,128]"),
    "held": (str, 'a type of numpy in quotes, such as "int64"'),
    "declared": (str, 'a type of numpy in quotes, such as "float32"'),
    "folded_into": (str, "the name of a tensor in quotes"),
    "internal": (bool, "true or false"),
    "axis": (int, "a whole number"),
}
"""What each field takes."""


def name(word: Word) -> str:
    """A name, out of its quotes if it has any. Raises Wrong."""
    return str(_json(word)) if word.text.startswith('"') else word.text


def frame(word: Word, placed: bool) -> tuple[DType, tuple[int, ...], int]:
    """Type, shape, and the byte in IO if it is `placed` there. Raises Wrong."""
    found = _FRAME.fullmatch(word.text)
    if found is None or placed != (found["offset"] is not None):
        word.fail(f"{word.text!r} isn't type(extents){'+byte, such as i8(1,3,8,8)+0' if placed else ', i8(1,3,8,8)'}")
    dtype = member(DType, Word(found["dtype"], word.column), str.upper)
    extents = found["shape"].split(",") if found["shape"] else []
    if wrong := [extent for extent in extents if not _NUMBER.fullmatch(extent)]:
        word.fail(f"{wrong[0]!r} is no extent; extents are whole numbers parted by commas")
    offset = whole(Word(found["offset"], word.column + found.start("offset")), "u32") if placed else 0
    return dtype, tuple(map(int, extents)), offset


def box(word: Word) -> SliceBox:
    """A slice's box. Raises Wrong."""
    parts = [part.split(":") for part in word.text.split(",")]
    if len(parts) != 4 or any(len(part) != 2 or not all(map(str.isdecimal, part)) for part in parts):
        word.fail(f"{word.text!r} isn't n0:n1,c0:c1,h0:h1,w0:w1, such as 0:1,0:64,0:8,0:8")
    ranges: list[Range] = [(int(start), int(stop)) for start, stop in parts]
    n, c, h, w = ranges
    return n, c, h, w


def fields(rest: Sequence[Word], names: Sequence[str]) -> dict[str, Any]:
    """Fields of those names, `name=value` in JSON. Raises Wrong."""
    given: dict[str, Any] = {}
    for key, word in (word.split("=") for word in rest):
        field = chosen(key, names, "field here")
        kinds, form = FORMS[field]
        value = _json(word)
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            word.fail(f"{field} is {form}, not {word.text}")
        given[field] = steps(value)
    return given


def _json(word: Word) -> Any:
    try:
        return json.loads(word.text)
    except ValueError:
        word.fail(f"{word.text!r} can't be read; numbers as they are, text in double quotes, lists as [1,2]")
