"""Content hashes: of plain values, of files and of directories."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def of_bytes(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def of_value(value: Any) -> str:
    """SHA-256 of a plain JSON value, whatever the order of its keys. Raises TypeError for anything else."""
    return of_bytes(json.dumps(value, sort_keys=True, allow_nan=False).encode())


def of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read again only when its identity, size or time of change did."""
    state = path.stat()
    return _of_state(str(path), state.st_ino, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=65536)
def _of_state(path: str, inode: int, size: int, changed: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def states_in(directory: str | Path) -> Iterator[tuple[str, os.stat_result]]:
    """Each file below a directory with its name relative to it, in no order; none where there is no directory."""
    todo = [("", str(directory))]
    while todo:
        prefix, folder = todo.pop()
        try:
            entries = os.scandir(folder)
        except (FileNotFoundError, NotADirectoryError):
            continue
        with entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    todo.append((f"{prefix}{entry.name}/", entry.path))
                elif entry.is_file():
                    yield prefix + entry.name, entry.stat()


def sizes_in(directory: str | Path) -> dict[str, int]:
    """The size in bytes of each file below a directory; none where there is no directory."""
    return {name: state.st_size for name, state in states_in(directory)}


def files_in(directory: Path) -> Iterator[tuple[str, Path]]:
    """Each file below a directory with its name relative to it, in the order of the names."""
    return iter(sorted((name, directory / name) for name, _ in states_in(directory)))


def of_directory(directory: Path) -> str:
    """SHA-256 over the names and contents of all files below a directory."""
    return of_value([[name, of_file(path)] for name, path in files_in(directory)])
