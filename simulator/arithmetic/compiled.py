"""
How numba compiles, in one place: what may never be relaxed, since the bits depend on it.

What a run of the chip or its checks need is `native`, which keeps machine code in files of its own, so that a process
loads it without numba. Loops of the compiler are `compiled`: numba keeps these, they may call each other within a file
and make arrays, and the process imports numba.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: Mapping[str, Any] = {"nogil": True, "fastmath": False, "error_model": "numpy"}
"""Every float operation is rounded by itself, none contracted or reordered; the interpreter's lock is let go."""


def compiled(kernel: F) -> F:
    """
    The kernel as machine code that numba keeps on disk, made at the first call.

    A change in a file is seen there only for kernels of that file, so a kernel calls none of another file.
    """
    untyped: Any = numba
    return cast(F, untyped.njit(cache=True, **OPTIONS)(kernel))
