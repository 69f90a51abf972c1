"""Machine code of kernels: kept as object files, loaded by LLVM."""

from __future__ import annotations

import ctypes
import hashlib
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

NEVER = "NRT_MemInfo_call_dtor"
"""A function of numba's that is named in code, but called for arrays of numba's own alone, which no kernel makes."""

_DIGEST = hashlib.sha256().digest_size
_RETURNS = 8
"""Bytes that the type of the result has in a file."""
_LOADING = Lock()
_LOADED = dict[str, int]()
"""Addresses by entry; an engine takes each symbol once."""


class BadCode(ValueError):
    """Bytes that aren't a file of code, whole and as it was written."""


@dataclass(frozen=True)
class MachineCode:
    """An object file, entered at the symbol `entry`; `returns` is numba's name of the type of the result."""

    entry: str
    returns: str
    held: bytes

    def packed(self) -> bytes:
        """The bytes of its file: the SHA-256 of what follows, the type of the result, the object file."""
        body = self.returns.encode().ljust(_RETURNS) + self.held
        return hashlib.sha256(body).digest() + body


def unpacked(held: bytes, entry: str) -> MachineCode:
    """What `packed` made of code with that entry. Raises BadCode."""
    body = held[_DIGEST:]
    if hashlib.sha256(body).digest() != held[:_DIGEST]:
        raise BadCode(f"{len(held)} bytes that differ from their hash")
    return MachineCode(entry, body[:_RETURNS].decode().rstrip(), body[_RETURNS:])


def loaded(code: MachineCode) -> int:
    """The address of the code's entry, which stays as long as the process."""
    from llvmlite.binding import ObjectFileRef

    with _LOADING:
        if code.entry not in _LOADED:
            engine = _engine()
            engine.add_object_file(ObjectFileRef.from_data(code.held))
            engine.finalize_object()
            _LOADED[code.entry] = engine.get_function_address(code.entry)
        return _LOADED[code.entry]


@cache
def _engine() -> Any:
    from llvmlite import binding

    untyped: Any = binding
    untyped.initialize_native_target()
    untyped.initialize_native_asmprinter()
    untyped.add_symbol(NEVER, ctypes.cast(_ended, ctypes.c_void_p).value)
    machine = untyped.Target.from_default_triple().create_target_machine()
    return untyped.create_mcjit_compiler(untyped.parse_assembly(""), machine)


@ctypes.CFUNCTYPE(None)
def _ended() -> None:
    """What stands for `NEVER`."""
