"""Content hashes of directories, remembered between processes, so that a file is read again only when it changed."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path

from compiler.build import hashes

State = list[list[str | int]]

SETTLED = 2.0
"""Seconds since a file's last change after which another change is sure to show in its time."""


class Remembered:
    """Hashes by a directory's path and the identity, size and time of change of each file; kept below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, tuple[State, str]] = {}

    def of_directory(self, directory: Path) -> str:
        """As `hashes.of_directory`, without reading files that are as they were."""
        name = os.path.abspath(directory)
        found = sorted(hashes.states_in(directory))
        state: State = [[file, it.st_ino, it.st_size, it.st_mtime_ns] for file, it in found]
        held = self._held.get(name) or self._read(name)
        if held is None or held[0] != state:
            held = (state, hashes.of_directory(directory))
            if all(time.time() - it.st_mtime > SETTLED for _, it in found):
                self._write(name, held)
        self._held[name] = held
        return held[1]

    def _path(self, name: str) -> Path:
        return self._folder / f"{hashes.of_bytes(name.encode())[:32]}.json"

    def _read(self, name: str) -> tuple[State, str] | None:
        try:
            state, digest = json.loads(self._path(name).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return state, digest

    def _write(self, name: str, held: tuple[State, str]) -> None:
        path = self._path(name)
        fresh = path.with_suffix(f".{os.getpid()}")
        # What can't be remembered is read again by the next process, which is slower and no less right.
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(held))
            fresh.replace(path)
