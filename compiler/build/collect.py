"""Keeps the store small, and finds what is damaged in it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from compiler.build import hashes
from compiler.build.store import Store


@dataclass(frozen=True)
class Collected:
    """What was taken away: counts, the bytes freed, and the content hashes of damaged objects."""

    records: int
    objects: int
    bytes: int
    damaged: tuple[str, ...]


def damaged(store: Store) -> list[str]:
    """Content hashes of objects whose files are not what the hash says."""
    return [path.name for path in sorted((store.inner / "cas").iterdir()) if hashes.of_directory(path) != path.name]


def collect(store: Store, *, verify: bool = False, keep_records: bool = True) -> Collected:
    """
    Remove leftovers of killed builds, objects no record names and, with `verify`, damaged ones.

    Without `keep_records`, records that no partition shows go as well: going back to them means building again. Waits
    until nobody builds.
    """
    with store.exclusively():
        spoilt = damaged(store) if verify else []
        shown = {json.loads(path.read_bytes())["key"] for _, path in hashes.files_in(store.inner / "refs")}
        records = list((store.inner / "keys").iterdir())
        dropped = [path for path in records if not keep_records and path.stem not in shown]
        kept = {json.loads(path.read_bytes())["object"] for path in records if path not in dropped}
        lost = [path for path in (store.inner / "cas").iterdir() if path.name not in kept or path.name in spoilt]
        freed = sum(_bytes(path) for path in lost)
        for path in dropped:
            path.unlink()
        for path in [*lost, *(store.inner / "tmp").iterdir()]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return Collected(len(dropped), len(lost), freed, tuple(spoilt))


def _bytes(path: Path) -> int:
    return sum(file.stat().st_size for _, file in hashes.files_in(path))
