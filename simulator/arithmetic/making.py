"""Making the machine code of a kernel: numba compiles it, and a function beside it takes the arguments apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any, cast

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.compiler_lock import global_compiler_lock

from simulator.arithmetic.compiled import OPTIONS
from simulator.arithmetic.kinds import DATA, EXTENTS, STRIDES, ArrayKind, Kind, TupleKind
from simulator.arithmetic.machine_code import NEVER, MachineCode

_DECLARED = re.compile(r"^declare [^@]*@(?!llvm\.)([^( ]+)", re.MULTILINE)
"""A function in LLVM's text that the module lacks, and isn't an instruction."""
WORD = ir.IntType(64)


class NotAlone(ValueError):
    """Code that needs more than the arrays it is given; the message names it."""


def made(function: Callable[..., Any], kinds: Sequence[Kind], entry: str) -> MachineCode:
    """
    The machine code of a function for arguments of these kinds, entered at the symbol `entry`.

    It is called with the address of the arguments' words (`kinds.layout`) and that of eight bytes for the result, and
    returns 0 unless the function raised. Raises NotAlone.
    """
    untyped: Any = numba
    bare = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    dispatcher = untyped.njit(**OPTIONS, **bare)(function)
    with cast("Any", global_compiler_lock):
        dispatcher.compile(tuple(_typed(kind) for kind in kinds))
        (compiled,) = dispatcher.overloads.values()
        if others := set(_DECLARED.findall(compiled.library.get_llvm_str())) - {NEVER}:
            raise NotAlone(f"{function.__qualname__} calls {', '.join(sorted(others))}")
        library = compiled.target_context.codegen().create_library(entry)
        library.enable_object_caching()
        library.add_ir_module(_entry(compiled, kinds, entry))
        library.add_linking_library(compiled.library)
        library.finalize()
    _, _, (held, _) = library.serialize_using_object_code()
    return MachineCode(entry, str(compiled.fndesc.restype), held)


def _typed(kind: Kind) -> Any:
    of: Any = types
    if isinstance(kind, ArrayKind):
        element = cast("Any", numba).from_dtype(np.dtype(kind.char))
        return of.Array(element, kind.rank, "C" if kind.contiguous else "A", readonly=not kind.writeable)
    if isinstance(kind, TupleKind):
        return of.UniTuple(of.int64, kind.count)
    return cast("Any", numba).from_dtype(np.dtype(kind))


def _entry(compiled: Any, kinds: Sequence[Kind], name: str) -> ir.Module:
    """A function of the words' address and the result's that calls numba's."""
    module, signature = ir.Module(name), compiled.signature
    called_type = compiled.target_context.call_conv.get_function_type(signature.return_type, signature.args)
    called = ir.Function(module, called_type, compiled.fndesc.llvm_func_name)
    entry: Any = ir.Function(module, ir.FunctionType(WORD, (WORD, WORD)), name)
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
