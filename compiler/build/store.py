"""
The content-addressed store of artifacts.

    <root>/.store/keys/<key>.json          what a recipe made: its object, why, metadata, the files' sizes
    <root>/.store/cas/<hash>/              an object: an artifact's files, read-only
    <root>/.store/refs/<partition>/<stage> what the partition shows: {key, object}
    <root>/<partition>/<file>              links to it, for people

An object is built aside and renamed, so that a killed run leaves nothing half-written. One builder works on a key at a
time; the first record of a key stays.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compiler.build import hashes

Metadata = Mapping[str, Any]


@dataclass(frozen=True)
class Ref:
    """What travels between stages: an object's content hash and where its files are."""

    hash: str
    path: Path


@dataclass(frozen=True)
class Record:
    """What a recipe made. `hit` says that it was there already."""

    key: str
    ref: Ref
    recipe: Mapping[str, Any]
    metadata: Metadata
    hit: bool


class Store:
    """Artifacts below `root`; safe for several processes on one file system."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.inner = self.root / ".store"
        for name in ("keys", "cas", "tmp", "locks", "refs"):
            (self.inner / name).mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> Record | None:
        """The record of a key, None if there is none or its object is gone or not of the recorded sizes."""
        try:
            held = json.loads(self.record_path(key).read_bytes())
        except FileNotFoundError:
            return None
        path = self.object_path(held["object"])
        if not path.is_dir() or {name: file.stat().st_size for name, file in hashes.files_in(path)} != held["files"]:
            return None
        return Record(key, Ref(held["object"], path), held["recipe"], held["metadata"], hit=True)

    def build(self, key: str, recipe: Mapping[str, Any], make: Callable[[Path], Metadata]) -> Record:
        """
        The record of `key`; where there is none, `make` fills a directory and returns its metadata.

        What `make` raises passes through and leaves nothing behind. `seconds` of the making joins the metadata.
        """
        if record := self.get(key):
            return record
        with self._shared(), self.locked(key):
            if record := self.get(key):
                return record
            with tempfile.TemporaryDirectory(dir=self.inner / "tmp", ignore_cleanup_errors=True) as room:
                made = Path(room, "object")
                made.mkdir()
                start = time.perf_counter()
                metadata = {**make(made), "seconds": round(time.perf_counter() - start, 4)}
                ref = self._adopt(made)
                sizes = {name: file.stat().st_size for name, file in hashes.files_in(ref.path)}
                text = json.dumps(
                    {"object": ref.hash, "recipe": recipe, "metadata": metadata, "files": sizes}, indent=1
                )
                _replace(self.record_path(key), lambda path: path.write_text(text), Path(room))
            return Record(key, ref, recipe, metadata, hit=False)

    def point(self, partition: str, stage: str, record: Record) -> None:
        """Make a partition show a record for a stage; its files are linked first, so that what is shown is whole."""
        before = self.shown(partition, stage)
        if before == (record.key, record.ref.hash):
            return
        names = {name for name, _ in hashes.files_in(record.ref.path)}
        old = self.object_path(before[1]) if before else None
        for name in {name for name, _ in hashes.files_in(old)} - names if old and old.is_dir() else ():
            (self.root / partition / name).unlink(missing_ok=True)
        for name in names:
            link = self.root / partition / name
            link.parent.mkdir(parents=True, exist_ok=True)
            target = os.path.relpath(record.ref.path / name, link.parent)
            _replace(link, lambda path, target=target: path.symlink_to(target), self.inner / "tmp")
        place = self.inner / "refs" / partition / stage
        place.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"key": record.key, "object": record.ref.hash})
        _replace(place, lambda path: path.write_text(text), self.inner / "tmp")

    def shown(self, partition: str, stage: str) -> tuple[str, str] | None:
        """The key and object that a partition shows for a stage."""
        try:
            held = json.loads((self.inner / "refs" / partition / stage).read_bytes())
        except FileNotFoundError:
            return None
        return held["key"], held["object"]

    def read(self, partition: str, stage: str) -> Ref:
        """What a partition shows for a stage. Raises LookupError if nothing was built or it has been collected."""
        held = self.shown(partition, stage)
        if held is None or not self.object_path(held[1]).is_dir():
            raise LookupError(f"{partition} has no {stage} yet: build it first")
        return Ref(held[1], self.object_path(held[1]))

    def record_path(self, key: str) -> Path:
        """Where the record of a key is or would be."""
        return self.inner / "keys" / f"{key}.json"

    def object_path(self, digest: str) -> Path:
        """Where the object of a content hash is or would be."""
        return self.inner / "cas" / digest

    @contextlib.contextmanager
    def locked(self, name: str) -> Generator[None]:
        """Hold the lock of that name, waiting for another process or thread to leave it."""
        with (self.inner / "locks" / name).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def exclusively(self) -> Generator[None]:
        """Wait until nobody builds, and let nobody begin."""
        with (self.inner / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def _shared(self) -> Generator[None]:
        with (self.inner / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    def _adopt(self, made: Path) -> Ref:
        ref_hash = hashes.of_directory(made)
        path = self.object_path(ref_hash)
        for _, file in hashes.files_in(made):
            file.chmod(0o444)
        if path.is_dir() and hashes.of_directory(path) != ref_hash:
            shutil.rmtree(path)
        try:
            made.rename(path)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        return Ref(ref_hash, path)


def _replace(path: Path, write: Callable[[Path], object], room: Path) -> None:
    """Write aside, then put in place at one stroke."""
    with tempfile.TemporaryDirectory(dir=room, ignore_cleanup_errors=True) as folder:
        fresh = Path(folder, "fresh")
        write(fresh)
        fresh.replace(path)
