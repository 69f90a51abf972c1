"""What to do about a store that can't be used."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
CLOSED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


class StoreUnusable(Exception):
    """The store is of another layout, full, or can't be written; the message says what to do."""


@contextmanager
def explained(root: Path) -> Generator[None]:
    """Raise StoreUnusable for errors that say that the disk is full or that something below `root` can't be written."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StoreUnusable(
                f"no space is left below {root}: free some, or shrink the store with `tpuflow store gc --max-bytes`"
            ) from error
        if error.errno in CLOSED and str(error.filename or "").startswith(str(root)):
            raise StoreUnusable(
                f"{error.filename} can't be written ({error.strerror}): name another store with TPUFLOW_STORE"
            ) from error
        raise
