"""Where numba keeps compiled kernels: a folder of their own for every state of the code that holds any."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from compiler.build import hashes
from compiler.build.keys import Code


def keep_kernels(code: Code, root: Path) -> None:
    """
    Name numba's cache by the code of all modules that use numba; call it before the first of them is imported.

    Numba's own check does not see an edit in a function that a cached one calls. Without effect once numba is loaded.
    """
    if "numba" not in sys.modules:
        used = {name: code.digest(name) for name in code.importers("numba")}
        os.environ["NUMBA_CACHE_DIR"] = str(root / hashes.of_value(used)[:16])
