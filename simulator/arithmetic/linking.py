"""A kernel made into an image: numba compiles it, and what its object file leaves open is filled in here."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, cast

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.compiler_lock import global_compiler_lock

from simulator.arithmetic.image import Image
from simulator.arithmetic.kinds import ArrayKind, Kind, TupleKind

LIBRARY = frozenset({"memcpy", "memmove", "memset"})
"""Functions of the C library that LLVM calls of its own accord."""
NEVER = frozenset({"NRT_MemInfo_call_dtor"})
"""Functions of numba's that are called for arrays of its own alone, which no kernel makes."""

ENTRY = "entry"
WORD = ir.IntType(64)
DATA, EXTENTS, STRIDES = 16, 32, 40
"""Where numpy's array object has the addresses of its bytes, extents and strides."""

_FILE = struct.Struct("<40xQ10xHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")
_IN_MEMORY, _SYMBOLS, _RELOCATIONS, _EMPTY = 2, 2, 4, 8
_COMMON = 0xFFF2
_ABSOLUTE, _RELATIVE = 1, 24
"""The two relocations of x86-64's large code model: eight bytes of an address, or of the way to one."""


class NotLinked(ValueError):
    """Code that needs more than arithmetic on the arrays it is given; the message names it."""


def image(function: Callable[..., Any], kinds: Sequence[Kind]) -> Image:
    """The machine code of a function for arguments of these kinds. Raises NotLinked."""
    untyped: Any = numba
    options = {"nogil": True, "fastmath": False, "error_model": "numpy"}
    bare = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    dispatcher = untyped.njit(**options, **bare)(function)
    with cast("Any", global_compiler_lock):
        dispatcher.compile(tuple(_typed(kind) for kind in kinds))
        (made,) = dispatcher.overloads.values()
        library = made.target_context.codegen().create_library(ENTRY)
        library.enable_object_caching()
        library.add_ir_module(_entry(made, kinds))
        library.add_linking_library(made.library)
        library.finalize()
    _, _, (held, _) = library.serialize_using_object_code()
    return linked(held, ENTRY, str(made.fndesc.restype))


def _entry(made: Any, kinds: Sequence[Kind]) -> ir.Module:
    """A function of the arguments' words and of where the result goes, that calls numba's and returns its status."""
    module = ir.Module(ENTRY)
    called_type = made.target_context.call_conv.get_function_type(made.signature.return_type, made.signature.args)
    called = ir.Function(module, called_type, made.fndesc.llvm_func_name)
    entry: Any = ir.Function(module, ir.FunctionType(WORD, (WORD, WORD)), ENTRY)
    builder: Any = ir.IRBuilder(entry.append_basic_block())
    words, result = entry.args
    fault = builder.ptrtoint(builder.alloca(WORD), WORD)
    given = [word for kind, first in zip(kinds, _firsts(kinds), strict=True)
             for word in _parts(builder, kind, builder.add(words, WORD(8 * first)))]  # fmt: skip
    passed = [_as(builder, word, to) for word, to in zip((result, fault, *given), called_type.args, strict=True)]
    builder.ret(builder.sext(builder.call(called, passed), WORD))
    return module


def _firsts(kinds: Sequence[Kind]) -> Iterator[int]:
    """The number of each argument's first word."""
    first = 0
    for kind in kinds:
        yield first
        first += kind.count if isinstance(kind, TupleKind) else 1


def _parts(builder: Any, kind: Kind, place: Any) -> Iterator[Any]:
    """What numba passes for an argument whose words are at an address, each as a word."""
    if not isinstance(kind, ArrayKind):
        for i in range(kind.count if isinstance(kind, TupleKind) else 1):
            yield _load(builder, place, 8 * i)
        return
    array = _load(builder, place, 0)
    extents, strides = (_load(builder, array, offset) for offset in (EXTENTS, STRIDES))
    shape = [_load(builder, extents, 8 * i) for i in range(kind.rank)]
    owner = parent = WORD(0)
    size = reduce(builder.mul, shape, WORD(1))
    yield from (owner, parent, size, WORD(np.dtype(kind.char).itemsize), _load(builder, array, DATA), *shape)
    yield from (_load(builder, strides, 8 * i) for i in range(kind.rank))


def _load(builder: Any, base: Any, offset: int) -> Any:
    return builder.load(builder.inttoptr(builder.add(base, WORD(offset)), WORD.as_pointer()))


def _as(builder: Any, word: Any, to: Any) -> Any:
    """A word as a parameter's type."""
    if isinstance(to, ir.PointerType):
        return builder.inttoptr(word, to)
    if isinstance(to, ir.DoubleType):
        return builder.bitcast(word, to)
    if isinstance(to, ir.FloatType):
        return builder.bitcast(builder.trunc(word, ir.IntType(32)), to)
    return word if to == WORD else builder.trunc(word, to)


def _typed(kind: Kind) -> Any:
    of: Any = types
    if isinstance(kind, ArrayKind):
        element = cast("Any", numba).from_dtype(np.dtype(kind.char))
        return of.Array(element, kind.rank, "C" if kind.contiguous else "A", readonly=not kind.writeable)
    if isinstance(kind, TupleKind):
        return of.UniTuple(of.int64, kind.count)
    return cast("Any", numba).from_dtype(np.dtype(kind))


@dataclass(frozen=True)
class _Section:
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    about: int
    alignment: int
    entry: int


def linked(held: bytes, entry: str, returns: str) -> Image:
    """An ELF object file of x86-64 as an image that is entered at a symbol. Raises NotLinked."""
    table, width, count, _ = _FILE.unpack_from(held)
    sections = [_Section(*_SECTION.unpack_from(held, table + width * i)) for i in range(count)]
    places, code = dict[int, int](), bytearray()
    for i, section in enumerate(sections):
        if section.flags & _IN_MEMORY:
            code += bytes(-len(code) % max(section.alignment, 1))
            places[i] = len(code)
            code += bytes(section.size) if section.kind == _EMPTY else _bytes(held, section)
    (symbols,) = (section for section in sections if section.kind == _SYMBOLS)
    names = _bytes(held, sections[symbols.link])
    named: list[tuple[str, int | None]] = list(_named(_bytes(held, symbols), names, places, code))
    own, library = list[int](), list[tuple[int, str]]()
    for section in sections:
        if section.kind == _RELOCATIONS and (base := places.get(section.about)) is not None:
            for offset, what, added in _RELOCATION.iter_unpack(_bytes(held, section)):
                (name, at), place = named[int(what) >> 32], base + int(offset)
                _fill(code, what & 0xFFFFFFFF, place, name, at, added, own, library)
    return Image(bytes(code), dict(named)[entry] or 0, returns, own, library)


def _fill(
    code: bytearray, kind: int, place: int, name: str, at: int | None, added: int, own: list[int],
    library: list[tuple[int, str]],
) -> None:  # fmt: skip
    """One relocation: of a symbol at a byte of the code, or outside of it."""
    if kind not in (_ABSOLUTE, _RELATIVE) or (at is None and (kind != _ABSOLUTE or name not in LIBRARY | NEVER)):
        raise NotLinked(f"relocation {kind} of {name or 'a section'}")
    if at is not None:
        struct.pack_into("<q", code, place, at + added - (place if kind == _RELATIVE else 0))
        if kind == _ABSOLUTE:
            own.append(place)
    elif name in LIBRARY:
        library.append((place, name))


def _named(
    symbols: bytes, names: bytes, places: Mapping[int, int], code: bytearray
) -> Iterator[tuple[str, int | None]]:
    """Name and place of each symbol, none for what is outside; common ones get eight bytes of their own."""
    for name, _, _, section, value, _ in _SYMBOL.iter_unpack(symbols):
        text = names[name : names.index(b"\0", name)].decode()
        if section == _COMMON:
            code += bytes(-len(code) % 8 + 8)
            yield text, len(code) - 8
        else:
            yield text, places[section] + value if section in places else None


def _bytes(held: bytes, section: _Section) -> bytes:
    return held[section.offset : section.offset + section.size]
