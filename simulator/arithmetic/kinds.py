"""Kinds of arguments of a kernel: what its machine code is made for, and the words that hand them over."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np


@dataclass(frozen=True)
class ArrayKind:
    """An array: numpy's character of its type, its rank, and whether it is contiguous and may be written."""

    char: str
    rank: int
    contiguous: bool
    writeable: bool


@dataclass(frozen=True)
class TupleKind:
    """A tuple of so many integers."""

    count: int


Kind = ArrayKind | TupleKind | str
"""A string is numpy's character of a number's type."""

Key = tuple[Any, ...]
"""Of a call: what `kinds` reads, quick to make."""

_CONTIGUOUS, _WRITEABLE = 0x1, 0x400
"""Numpy's bits of `flags.num`."""


DATA, EXTENTS, STRIDES = 16, 32, 40
"""Where numpy's array object has the addresses of its bytes, extents and strides."""


def found_in_arrays() -> bool:
    """Whether array objects are laid out so, which numpy promises to C, and C alone."""
    array = np.zeros((3, 5), np.int16)[::2, 1:]
    address, *inside = (ctypes.c_void_p.from_address(id(array) + at).value for at in (DATA, EXTENTS, STRIDES))
    told = [tuple((ctypes.c_int64 * 2).from_address(place)) for place in inside if place]
    return address == array.ctypes.data and told == [array.shape, array.strides]


def handed(arguments: Sequence[Any]) -> tuple[Key, list[Any]]:
    """The key of a call, and what its words say: an array's object, the items of a tuple, numbers."""
    key, words = list[Any](), list[Any]()
    for argument in arguments:
        kind: type = argument.__class__
        if issubclass(kind, np.ndarray):
            key.append((argument.dtype.char, argument.ndim, argument.flags.num & (_CONTIGUOUS | _WRITEABLE)))
            words.append(id(argument))
        elif kind is int:
            key.append("q")
            words.append(argument)
        elif kind is tuple:
            key.append(len(argument))
            words += argument
        else:
            key.append(argument.dtype.char)
            words.append(argument.item())
    return tuple(key), words


def kinds(key: Key) -> list[Kind]:
    """The kinds of a call's arguments."""
    return [_kind(part) for part in key]


def _kind(part: Any) -> Kind:
    if isinstance(part, tuple):
        char, rank, flags = cast("tuple[str, int, int]", part)
        return ArrayKind(char, rank, bool(flags & _CONTIGUOUS), bool(flags & _WRITEABLE))
    return TupleKind(part) if isinstance(part, int) else part


def layout(kind: Kind) -> str:
    """The words of an argument, eight bytes each, in the language of `struct`."""
    if isinstance(kind, ArrayKind):
        return "Q"
    if isinstance(kind, TupleKind):
        return f"{kind.count}q"
    return {"f": "f4x", "d": "d"}.get(kind, "q")
