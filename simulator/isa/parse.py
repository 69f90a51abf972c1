"""Text of records, as `simulator.isa.text` writes it, back into records; what can't be read is named, with the mend."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn, TypeVar

import numpy as np

from simulator.isa.record import RECORD, Command, Operand, Records, encode
from simulator.isa.table import SPECS, DType, Engine, Flag, Param, Region, Spec
from simulator.isa.text import RAW

RANGES: Mapping[str, tuple[int, int]] = {
    "u8": (0, 2**8 - 1),
    "u16": (0, 2**16 - 1),
    "u32": (0, 2**32 - 1),
    "i16": (-(2**15), 2**15 - 1),
    "i32": (-(2**31), 2**31 - 1),
}
"""The least and the greatest number of each kind."""

OPERAND_FORM = "type(n,c,h,w)@REGION+address/strides, such as i8(1,64,8,8)@LOCAL+256/4096,64,8,1 or …%3 from lane 3 on"

_WORD = re.compile(r'(?:[^\s";]|"(?:[^"\\]|\\.)*")+')
_OPERAND = re.compile(
    r"(?P<dtype>\w+)\((?P<dims>[^()]*)\)@(?P<region>\w+)\+(?P<addr>[^/]*)/(?P<strides>[^%]*)(?:%(?P<lane>.*))?"
)


class AssemblyError(ValueError):
    """Text that is no program; the message has source, line and column, what is wrong and how to mend it."""

    def __init__(self, source: str, line: int, column: int, what: str) -> None:
        super().__init__(f"{source}line {line}, column {column}: {what}")
        self.line, self.column, self.what = line, column, what


class Wrong(ValueError):
    """A word that can't be read, at a column of its line, counted from 1."""

    def __init__(self, column: int, what: str) -> None:
        super().__init__(what)
        self.column = column


@dataclass(frozen=True, slots=True)
class Word:
    """A part of a line, and the column at which it begins, counted from 1."""

    text: str
    column: int

    def split(self, separator: str) -> tuple[Word, Word]:
        """What is before the first separator, and what is after it."""
        before, _, after = self.text.partition(separator)
        return Word(before, self.column), Word(after, self.column + len(before) + len(separator))

    def fail(self, what: str) -> NoReturn:
        """Raise Wrong."""
        raise Wrong(self.column, what)


def assemble(lines: Iterable[str]) -> Records:
    """The records of lines; empty ones are passed over. Raises AssemblyError."""
    made: list[Records] = []
    for number, line in enumerate(lines, 1):
        try:
            if line_words := words(line):
                made.append(record(line_words))
        except Wrong as wrong:
            raise AssemblyError("", number, wrong.column, str(wrong)) from wrong
    return np.concatenate([encode([]), *made])


def words(line: str) -> list[Word]:
    """A line's words; blanks part them but within double quotes, and a comment ends them. Raises Wrong."""
    found: list[Word] = []
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
        elif line[at] == ";":
            break
        elif match := _WORD.match(line, at):
            found.append(Word(match[0], at + 1))
            at = match.end()
        else:
            raise Wrong(at + 1, "the text in quotes doesn't end on its line; close it with \"")
    return found


def record(line: Sequence[Word]) -> Records:
    """The one record of a line. Raises Wrong."""
    if line[0].text == RAW:
        return _raw(line)
    return encode([command(line[0], line[1:])])


def command(name: Word, rest: Sequence[Word]) -> Command:
    """The command of a line. Raises Wrong."""
    op, function = name.split(".")
    spec = SPECS[chosen(op, SPECS, "op")]
    if function.text not in (spec.functions or ("",)):
        _no_function(op.text, function, spec)
    given: dict[str, Word] = {}
    for key, value in (word.split("=") for word in rest):
        if key.text in given:
            key.fail(f"{key.text} is given twice; leave one")
        if not value.text:
            key.fail(f"{key.text} has no value; write {key.text}=…")
        given[key.text] = value
        _known(op.text, key, spec)
    return Command(
        op.text,
        {key: operand(given[key]) for key in spec.operands if key in given},
        {p.name: _param(p, given[p.name]) for p in spec.params if p.name in given},
        function.text,
        _flags(given["flags"]) if "flags" in given else Flag.NONE,
        *(whole(given[key], "u32") if key in given else 0 for key in ("wait", "tag")),
    )


def operand(word: Word) -> Operand:
    """The operand of a word. Raises Wrong."""
    found = _OPERAND.fullmatch(word.text)
    if found is None:
        word.fail(f"{word.text!r} isn't {OPERAND_FORM}")
    part = {key: Word(value or "", word.column + max(found.start(key), 0)) for key, value in found.groupdict().items()}
    dtype = member(DType, part["dtype"], str.upper)
    return Operand(
        whole(part["addr"], "u32"),
        dtype,
        _four(part["dims"], "u32", "extents n, c, h and w"),
        _four(part["strides"], "i32", "strides, of n, c, h and w in bytes"),
        member(Region, part["region"]),
        whole(part["lane"], "u8") if found["lane"] is not None else 0,
    )


def whole(word: Word, kind: str) -> int:
    """A whole number of a kind. Raises Wrong."""
    least, most = RANGES[kind]
    try:
        value = int(word.text, 0)
    except ValueError:
        word.fail(f"{word.text!r} is no whole number; {kind} takes {least} to {most}")
    if not least <= value <= most:
        word.fail(f"{value} doesn't fit {kind}, which takes {least} to {most}")
    return value


def real(word: Word) -> float:
    """A float; what f32 can't hold is an error, and what it rounds isn't. Raises Wrong."""
    try:
        value = float(word.text)
    except ValueError:
        word.fail(f"{word.text!r} is no number; write it like 0.5, 1e-12, inf, -inf or nan")
    with np.errstate(over="ignore"):
        if np.isinf(np.float32(value)) and not np.isinf(value):
            word.fail(f"{word.text} is beyond f32; write inf or -inf if that is meant")
    return value


def chosen(word: Word, names: Iterable[str], what: str) -> str:
    """The word, which must be one of the names. Raises Wrong, with the nearest of them."""
    known = list(names)
    if word.text not in known:
        near = get_close_matches(word.text.upper(), known, 1) or get_close_matches(word.text.lower(), known, 1)
        word.fail(f"no {what} is called {word.text}; {f'is {near[0]} meant?' if near else f'take {_any(known)}'}")
    return word.text


Named = TypeVar("Named", DType, Region, Flag, Engine)


def member(of: type[Named], word: Word, spelt: Callable[[str], str] = str) -> Named:
    """The member of that name, `spelt` as the type has it. Raises Wrong."""
    name = spelt(word.text)
    if name not in of.__members__:
        word.fail(
            f"{word.text!r} isn't one of {', '.join(m.lower() if spelt is str.upper else m for m in of.__members__)}"
        )
    return of[name]


def _raw(line: Sequence[Word]) -> Records:
    try:
        held = bytes.fromhex("".join(word.text for word in line[1:]))
    except ValueError:
        line[1].fail("that isn't hexadecimal; a record's bytes are 512 digits of 0 to 9 and a to f")
    if len(held) != RECORD.itemsize:
        line[0].fail(f"{len(held)} bytes; a record has {RECORD.itemsize}")
    return np.frombuffer(bytearray(held), RECORD)


def _known(op: str, key: Word, spec: Spec) -> None:
    """Raise Wrong unless the op has what a word gives."""
    own = (*spec.operands, *(p.name for p in spec.params))
    if key.text not in ("wait", "tag", "flags", *own):
        near = get_close_matches(key.text, own, 1)
        key.fail(f"{op} has no {key.text}; {f'is {near[0]} meant?' if near else f'it has {_any(own)}'}")


def _no_function(op: str, function: Word, spec: Spec) -> NoReturn:
    if not spec.functions:
        function.fail(f"{op} has no functions; leave .{function.text}")
    if not function.text:
        function.fail(f"{op} needs a function: {_any([f'{op}.{name}' for name in spec.functions])}")
    near = get_close_matches(function.text, spec.functions, 1)
    function.fail(f"{op} has no function {function.text}; {f'is {near[0]} meant?' if near else _any(spec.functions)}")


def _any(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing but wait, tag and flags"


def _flags(word: Word) -> Flag:
    flags, at = Flag.NONE, word.column
    for name in word.text.split("|"):
        flags |= member(Flag, Word(name, at))
        at += len(name) + 1
    return flags


def _four(word: Word, kind: str, what: str) -> tuple[int, int, int, int]:
    values: list[int] = []
    at = word.column
    for text in word.text.split(","):
        values.append(whole(Word(text, at), kind))
        at += len(text) + 1
    if len(values) != 4:
        word.fail(f"{len(values)} numbers are no {what}, which are four")
    a, b, c, d = values
    return a, b, c, d


def _param(p: Param, word: Word) -> float:
    return real(word) if p.kind == "f32" else whole(word, p.kind)
