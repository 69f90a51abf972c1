"""How the bulk kernels are compiled, in one place: what may never be relaxed, since the bits depend on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(kernel: F) -> F:
    """
    The kernel as machine code: every float operation rounded by itself, no contraction, no reordering.

    The code is kept on disk; a change in a file is seen there only for kernels of that file, so a kernel calls none of
    another file. It is made at the first call and lets go of the interpreter's lock.
    """
    return cast(F, numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")(kernel))
