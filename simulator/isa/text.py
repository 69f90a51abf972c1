"""
Records as text, one a line, and back: for reading a program, for comparing two, for writing one by hand.

    CONV wait=3 tag=1 flags=ACC_IN|ACC_OUT acc=i32(1,64,8,8)@LOCAL+8192/4096,256,32,4 in=… kh=3 kw=3 sh=1 sw=1

An operand is `type(n,c,h,w)@REGION+address/strides`, and `%lane` if it doesn't begin at lane 0. What is zero or absent
isn't written. A comment begins with `;`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from simulator.isa.record import Command, Operand, Records, decode, encode
from simulator.isa.table import SPECS, DType, Flag, Region

_OPERAND = re.compile(
    r"(?P<dtype>\w+)\((?P<dims>[\d,]+)\)@(?P<region>\w+)\+(?P<addr>\d+)/(?P<strides>[-\d,]+)(?:%(?P<lane>\d+))?"
)


class AssemblyError(ValueError):
    """A line that is no record; the message has its number and says what is wrong."""


def disassemble(records: Records, layers: Sequence[str] = ()) -> Iterator[str]:
    """A line for each record; with `layers`, the name that the tag stands for as a comment."""
    for record in records:
        command = decode(record)
        note = f"  ; {layers[command.tag]}" if command.tag < len(layers) and SPECS[command.op].operands else ""
        yield text_of(command) + note


def assemble(lines: Iterable[str]) -> Records:
    """The records of lines; empty ones are passed over. Raises AssemblyError."""
    made = [encode([])]
    for number, line in enumerate(lines, 1):
        words = line.split(";")[0].split()
        if words:
            try:
                made.append(encode([_command(words[0], words[1:])]))
            except (ValueError, OverflowError) as error:
                raise AssemblyError(f"line {number}: {error}") from error
    return np.concatenate(made)


def text_of(command: Command) -> str:
    """A command on one line."""
    words = [f"{command.op}.{command.function}" if command.function else command.op]
    if command.wait:
        words.append(f"wait={command.wait}")
    if command.tag:
        words.append(f"tag={command.tag}")
    if command.flags:
        words.append("flags=" + "|".join(str(flag.name) for flag in Flag if flag and flag in command.flags))
    words += [f"{name}={_operand_text(operand)}" for name, operand in command.operands.items() if operand is not None]
    numbers = {p.name: _number_text(p.kind, command.params.get(p.name, 0)) for p in SPECS[command.op].params}
    words += [f"{name}={number}" for name, number in numbers.items() if number not in ("0", "0.0")]
    return " ".join(words)


def _operand_text(operand: Operand) -> str:
    dims, strides = (",".join(map(str, values)) for values in (operand.dims, operand.strides))
    lane = f"%{operand.lane}" if operand.lane else ""
    return f"{operand.dtype.name.lower()}({dims})@{operand.region.name}+{operand.addr}/{strides}{lane}"


def _number_text(kind: str, value: float) -> str:
    """The shortest text that reads back as the same 32 bits."""
    return str(np.float32(value)) if kind == "f32" else str(int(value))


def _command(name: str, words: Sequence[str]) -> Command:
    op, _, function = name.partition(".")
    if op not in SPECS:
        raise ValueError(f"no op is called {op}")
    spec = SPECS[op]
    if function not in (spec.functions or ("",)):
        raise ValueError(f"{op} has functions {', '.join(spec.functions) or '(none)'}, not {function!r}")
    pairs = [word.partition("=") for word in words]
    given = {key: value for key, _, value in pairs}
    if len(given) < len(pairs):
        raise ValueError("a name is given twice")
    wait, tag = int(given.pop("wait", 0)), int(given.pop("tag", 0))
    flags = Flag.NONE
    for flag in filter(None, given.pop("flags", "").split("|")):
        flags |= _member(Flag, flag)
    operands = {key: _operand(given.pop(key)) for key in spec.operands if key in given}
    params = {p.name: _number(p.kind, given.pop(p.name)) for p in spec.params if p.name in given}
    if given:
        raise ValueError(f"{op} has no {', '.join(given)}")
    return Command(op, operands, params, function, flags, wait, tag)


def _operand(text: str) -> Operand:
    found = _OPERAND.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} isn't type(n,c,h,w)@REGION+address/strides")
    dims, strides = _four(found["dims"]), _four(found["strides"])
    dtype, region = _member(DType, found["dtype"].upper()), _member(Region, found["region"])
    return Operand(int(found["addr"]), dtype, dims, strides, region, int(found["lane"] or 0))


def _four(text: str) -> tuple[int, int, int, int]:
    values = [int(value) for value in text.split(",")]
    if len(values) != 4:
        raise ValueError(f"{text!r} isn't four numbers")
    a, b, c, d = values
    return a, b, c, d


def _number(kind: str, text: str) -> float:
    return float(text) if kind == "f32" else int(text)


Named = TypeVar("Named", DType, Region, Flag)


def _member(of: type[Named], name: str) -> Named:
    if name not in of.__members__:
        raise ValueError(f"{name!r} isn't one of {', '.join(of.__members__)}")
    return of[name]
