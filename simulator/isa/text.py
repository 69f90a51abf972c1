"""
Records as text, one a line, as `simulator.isa.parse` reads them: for reading a program, or comparing two.

    CONV wait=3 tag=1 flags=ACC_IN|ACC_OUT acc=i32(1,64,8,8)@LOCAL+8192/4096,256,32,4 in=… kh=3 kw=3 sh=1 sw=1

An operand is `type(n,c,h,w)@REGION+address/strides`, and `%lane` if it doesn't begin at lane 0. What is zero or absent
isn't written. Numbers are decimal; an f32 is the shortest decimal that reads back as the same bits. A record that no
command stands for, a damaged one, is `.raw` and its bytes. A comment begins with `;`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import numpy as np

from simulator.isa.record import Command, Operand, Records, decode, encode
from simulator.isa.table import SPECS, Flag

RAW = ".raw"
"""In the place of an op: the record's bytes in hexadecimal follow."""

NAN = bytes.fromhex("0000c07f")
"""The f32 that `nan` stands for."""


def disassemble(records: Records, layers: Sequence[str] = ()) -> Iterator[str]:
    """A line for each record; with `layers`, the name that the tag stands for as a comment."""
    for record in records:
        text, command = _exact(record)
        told = command is not None and command.tag < len(layers) and SPECS[command.op].operands
        yield f"{text}  ; {layers[command.tag]}" if command is not None and told else text


def text_of(command: Command) -> str:
    """A command on one line."""
    words = [f"{command.op}.{command.function}" if command.function else command.op]
    if command.wait:
        words.append(f"wait={command.wait}")
    if command.tag:
        words.append(f"tag={command.tag}")
    if command.flags:
        words.append("flags=" + "|".join(str(flag.name) for flag in Flag if flag and flag in command.flags))
    words += [f"{name}={operand_text(operand)}" for name, operand in command.operands.items() if operand is not None]
    return " ".join((*words, *params_text(command)))


def params_text(command: Command) -> Iterator[str]:
    """A command's parameters, those that aren't zero, as `name=number`."""
    for p in SPECS[command.op].params:
        value = command.params.get(p.name, 0)
        number = str(np.float32(value)) if p.kind == "f32" else str(int(value))
        if number not in ("0", "0.0"):
            yield f"{p.name}={number}"


def operand_text(operand: Operand) -> str:
    """An operand in one word."""
    dims, strides = (",".join(map(str, values)) for values in (operand.dims, operand.strides))
    lane = f"%{operand.lane}" if operand.lane else ""
    return f"{operand.dtype.name.lower()}({dims})@{operand.region.name}+{operand.addr}/{strides}{lane}"


def _exact(record: np.void) -> tuple[str, Command | None]:
    """A line that reads back as these very bytes, and the command that it says, if it says one."""
    raw = record.tobytes()
    try:
        command = decode(record)
        if _sayable(command) and encode([command]).tobytes() == raw:
            return text_of(command), command
    except ValueError:
        pass
    return f"{RAW} {raw.hex()}", None


def _sayable(command: Command) -> bool:
    """Whether words hold all of a command: there are none for unknown flags, or for other NaNs than the stored one."""
    floats = (command.params[p.name] for p in SPECS[command.op].params if p.kind == "f32")
    known = not command.flags & ~sum(Flag)
    return known and all(value == value or struct.pack("<f", value) == NAN for value in floats)
