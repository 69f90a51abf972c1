"""
Kernels: functions on arrays that run as machine code.

Numba makes the code of a kernel for the types of a call, once; a file keeps it, and later processes load that without
importing numba. `compiled` says by which options, and what is compiled otherwise.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import struct
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from simulator.arithmetic import machine_code
from simulator.arithmetic.kinds import Key, found_in_arrays, handed, kinds, layout
from simulator.arithmetic.machine_code import BadCode, MachineCode
from simulator.arithmetic.processor import identity, level

Function = Callable[..., Any]


MAKERS = ("compiled", "kinds", "machine_code", "making", "native")
"""Modules of this package that make every kernel's code, and say how it is called."""


class Kernel:
    """A kernel, called like the function. It may not make arrays, and calls none of another file."""

    def __init__(self, name: str, sources: Sequence[Path], function: Callable[[], Function]) -> None:
        """`function()` is the Python code, in the files `sources`; it is asked for when code must be made."""
        self._name, self._sources, self._function = name, sources, function
        self._imported = _stamps(sources)
        self._ready = dict[Key, Function]()
        self._making = Lock()

    def __call__(self, *arguments: Any) -> Any:
        """Run; numbers and arrays by position. Lets go of the interpreter's lock."""
        key, words = handed(arguments)
        run = self._ready.get(key)
        if run is None:
            with self._making:
                run = self._ready[key] = self._ready.get(key) or self._made(key)
        return run(words, arguments)

    def _made(self, key: Key) -> Function:
        if not readable():
            return self._by_numba()
        entry = f"{self._name}-{self._digest(key)}"
        path = _folder() / entry
        current = _stamps(self._sources) == self._imported
        if current and (kept := _kept(path, entry)) is not None:
            return _entered(kept, key)
        _aim()
        from simulator.arithmetic import making

        try:
            made = making.made(self._function(), kinds(key), entry)
        except making.NotAlone:
            return self._by_numba()
        if current:  # else this is code of what the files were, under the name of what they are
            _write(path, made.packed())
        return _entered(made, key)

    def _by_numba(self) -> Function:
        _aim()
        from simulator.arithmetic.compiled import compiled

        function = compiled(self._function())

        def run(_: object, arguments: tuple[Any, ...]) -> Any:
            return function(*arguments)

        return run

    def _digest(self, key: Key) -> str:
        """Names what the code depends on: its sources, the types, the level and the processor, and who makes it."""
        told = hashlib.sha256(b"".join(source.read_bytes() for source in self._sources))
        told.update(f"{self._name} {key} {level().name} {identity()} {_maker()}".encode())
        return told.hexdigest()[:32]


def native(function: Function) -> Kernel:
    """The function as a kernel."""
    return Kernel(function.__qualname__, [Path(function.__code__.co_filename)], lambda: function)


def _stamps(sources: Sequence[Path]) -> list[int]:
    """When the files were last changed, in nanoseconds."""
    return [source.stat().st_mtime_ns for source in sources]


def _kept(path: Path, entry: str) -> MachineCode | None:
    """The code of a file that is there and whole."""
    try:
        return machine_code.unpacked(path.read_bytes(), entry)
    except (OSError, BadCode):
        return None


def _entered(code: MachineCode, key: Key) -> Function:
    """What calls code with the words of the arguments, and gives its result."""
    call: Any = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_char_p, ctypes.c_void_p)(machine_code.loaded(code))
    pack = struct.Struct("<" + "".join(layout(kind) for kind in kinds(key))).pack
    read = _RESULTS[code.returns]

    def run(words: list[Any], _: object) -> Any:
        made = ctypes.c_int64()
        if status := call(pack(*words), ctypes.addressof(made)):
            raise RuntimeError(f"a kernel ended with status {status}")
        return read(made.value)

    return run


_RESULTS: dict[str, Callable[[int], Any]] = {"none": lambda _: None, "int64": int, "bool": lambda held: bool(held & 1)}
"""How to read the eight bytes of a result, by numba's name of its type."""


@cache
def readable() -> bool:
    """Whether code finds arrays in their objects; where it doesn't, numba calls it, and keeps it in its own way."""
    return sys.maxsize > 1 << 32 and sys.implementation.name == "cpython" and found_in_arrays()


@cache
def _maker() -> str:
    """What makes and keeps the code: MAKERS, and numba's version as it states it, read without importing it."""
    told = hashlib.sha256()
    for name in MAKERS:
        told.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    found = find_spec("numba")
    if found is not None and found.origin is not None:
        told.update(Path(found.origin).with_name("_version.py").read_bytes())
    return told.hexdigest()


@cache
def _folder() -> Path:
    """Where code is kept: beside numba's own if that has a place, else where downloads are."""
    if named := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(named)
    chosen = os.environ.get("TPUFLOW_CACHE")
    cache = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tpuflow"
    return cache / "kernels"


def _aim() -> None:
    """Have numba, which reads this when it is imported, make code for just the level where that isn't the highest."""
    if target := level().target:
        os.environ.update({"NUMBA_CPU_NAME": target, "NUMBA_CPU_FEATURES": ""})


def _write(path: Path, held: bytes) -> None:
    """Write a file that others see whole or not at all; without it every process makes the code anew."""
    from tempfile import NamedTemporaryFile

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(held)
        Path(file.name).replace(path)
    except OSError:
        return
