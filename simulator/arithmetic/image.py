"""
Machine code as bytes that may lie anywhere, in a file and in memory.

In a file: the SHA-256 of all that follows; where it is entered, what it returns, the places that hold addresses in it
(u32) and those that hold addresses of functions of the C library (u32 and name); and the code with its constants.
"""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_HEAD = struct.Struct("<I8sII")
_PLACE, _NAMED, _ADDRESS = struct.Struct("<I"), struct.Struct("<I28s"), struct.Struct("<Q")
_DIGEST = hashlib.sha256().digest_size
_LIBRARY: Any = ctypes.CDLL(None, use_errno=True)
PAGE = mmap.PAGESIZE


class BadImage(ValueError):
    """Bytes that aren't an image, whole and as it was written."""


@dataclass(frozen=True)
class Image:
    """
    Code and constants, entered at byte `entry`.

    The eight bytes at each of `own` are an offset from the first byte of `code`; those at each of `library` are to
    be the address of a function. `returns` is numba's name of the type of the result.
    """

    code: bytes
    entry: int
    returns: str
    own: Sequence[int]
    library: Sequence[tuple[int, str]]

    def packed(self) -> bytes:
        """The bytes of its file."""
        body = b"".join((
            _HEAD.pack(self.entry, self.returns.encode(), len(self.own), len(self.library)),
            *map(_PLACE.pack, self.own),
            *(_NAMED.pack(place, name.encode()) for place, name in self.library),
            self.code,
        ))  # fmt: skip
        return hashlib.sha256(body).digest() + body


def unpacked(held: bytes) -> Image:
    """What `packed` made. Raises BadImage."""
    body = held[_DIGEST:]
    if len(body) < _HEAD.size or hashlib.sha256(body).digest() != held[:_DIGEST]:
        raise BadImage(f"{len(held)} bytes that differ from their hash")
    entry, returns, own, library = _HEAD.unpack_from(body)
    named = _HEAD.size + own * _PLACE.size
    end = named + library * _NAMED.size
    places = [place for (place,) in _PLACE.iter_unpack(body[_HEAD.size : named])]
    names = [(place, name.rstrip(b"\0").decode()) for place, name in _NAMED.iter_unpack(body[named:end])]
    return Image(body[end:], entry, returns.rstrip(b"\0").decode(), places, names)


def loaded(image: Image) -> int:
    """
    The address of an image's entry, in memory that stays as long as the process.

    Raises OSError where the system lets no process make code, AttributeError for a function that there isn't.
    """
    memory = mmap.mmap(-1, max(len(image.code), 1))
    memory[: len(image.code)] = image.code
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for place in image.own:
        _ADDRESS.pack_into(memory, place, start + _ADDRESS.unpack_from(memory, place)[0])
    for place, name in image.library:
        _ADDRESS.pack_into(memory, place, ctypes.cast(_LIBRARY[name], ctypes.c_void_p).value)
    size = -(-len(memory) // PAGE) * PAGE
    if _LIBRARY.mprotect(ctypes.c_void_p(start), ctypes.c_size_t(size), mmap.PROT_READ | mmap.PROT_EXEC):
        raise OSError(ctypes.get_errno(), "no memory may hold code")
    _KEPT.append(memory)
    return start + image.entry


_KEPT: list[mmap.mmap] = []
