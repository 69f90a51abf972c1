"""
The content-addressed store of artifacts.

    <root>/.store/format                       the number of this layout
    <root>/.store/records/<key>.jsonl          what a recipe made: a line with its object and the files' sizes, one with
                                               the recipe, one with the metadata; its time of change is its last use
    <root>/.store/code/<digest>.json           the source files' hashes that recipes name by their digest
    <root>/.store/cas/<hash>/                  an object: an artifact's files, read-only
    <root>/.store/refs/<model>/<target>.json   what the partition shows, by stage: {key, object}
    <root>/<partition>/<file>                  links to it, for people

An object is built aside and renamed, so that a killed run leaves nothing half-written. One builder works on a key at a
time; the first record of a key stays. A record, refs or an object that is cut off or gone counts as absent, and a build
makes it anew; `collect` names what is damaged and takes it away.
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
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from compiler.build import hashes
from compiler.build.faults import StoreUnusable, explained
from compiler.build.record import Head, Metadata, NotBuilt, Record, Ref, Shown, head_of, shown_in, written

FORMAT = "2"
"""The layout that this version reads and writes."""

FOLDERS = ("records", "code", "cas", "tmp", "locks", "refs", "roots")

USE_NOTED = 3600.0
"""Seconds after which another use of a record is noted in its time of change."""


class Store:
    """
    Artifacts below `root`; safe for several processes on one file system.

    A store whose truth is elsewhere overrides how small files (`load`, `save`, `names`, `drop`), records (`_record`,
    `_put_record`, `used`) and objects (`_adopt`, `_whole`, `bring`, `objects`) come and go.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.inner = self.root / ".store"
        self._cas = self.inner / "cas"
        with explained(self.root):
            for name in FOLDERS:
                (self.inner / name).mkdir(parents=True, exist_ok=True)
            found = (self.load("format") or self._begin()).decode(errors="replace").strip()
        if found != FORMAT:
            raise StoreUnusable(
                f"{self.inner / 'format'}: layout {found!r}, this version knows {FORMAT}; remove {self.root} to have "
                "all made again, or name another store with TPUFLOW_STORE"
            )

    def get(self, key: str) -> Record | None:
        """The record of a key, None if there is none or its object is gone or not of the recorded sizes."""
        record = self.record(key)
        return record if record and self._whole(record.head) else None

    def record(self, key: str) -> Record | None:
        """The record of a key, None if there is none; its object may be gone."""
        text = self._record(key)
        head = head_of(text) if text else None
        if text is None or head is None:
            return None
        return Record(key, Ref(head.object, self.object_path(head.object)), True, head, text)

    def build(self, key: str, recipe: Mapping[str, Any], make: Callable[[Path], Metadata]) -> Record:
        """
        The record of `key`; where there is none, `make` fills a directory and returns its metadata.

        What `make` raises passes through and leaves nothing behind. `seconds` of the making joins the metadata. Raises
        StoreUnusable where the disk is full or can't be written.
        """
        if record := self.get(key):
            return record
        with explained(self.root), self._shared(), self.locked(key):
            if record := self.get(key):
                return record
            with tempfile.TemporaryDirectory(dir=self.inner / "tmp", ignore_cleanup_errors=True) as room:
                made = Path(room, "object")
                made.mkdir()
                start = time.perf_counter()
                metadata = {**make(made), "seconds": round(time.perf_counter() - start, 4)}
                ref = self._adopt(made)
                head = Head(ref.hash, hashes.sizes_in(ref.path))
                text = written(head, self._with_code_apart(recipe), metadata)
                kept = self._put_record(key, text)
        if kept != text and (winner := self.get(key)):
            return winner
        return Record(key, ref, False, head, text)

    def point(self, partition: str, stage: str, record: Record) -> None:
        """
        Make a partition show a record for a stage; its files are linked first, so that what is shown is whole.

        Raises NotBuilt if the record's object was collected in the meantime.
        """
        now = Shown(record.key, record.ref.hash)
        path = self.bring(record.ref)
        links = {self.root / partition / name: path / name for name in hashes.sizes_in(path)}
        if self.shown(partition, stage) == now and all(_leads(link, file) for link, file in links.items()):
            return
        with explained(self.root), self._shared(), self.locked(partition.replace("/", "|") + "|refs"):
            refs = dict(self.refs(partition))
            before = refs.get(stage)
            for name in hashes.sizes_in(self.object_path(before.object)) if before else ():
                if self.root / partition / name not in links:
                    (self.root / partition / name).unlink(missing_ok=True)
            for link, file in links.items():
                link.parent.mkdir(parents=True, exist_ok=True)
                target = os.path.relpath(file, link.parent)
                self._replace(link, lambda fresh, target=target: fresh.symlink_to(target))
            refs[stage] = now
            self.save_refs(partition, refs)

    def refs(self, partition: str) -> Mapping[str, Shown]:
        """What a partition shows, by stage: nothing where it was never built or its refs are damaged."""
        text = self.load(f"refs/{partition}.json")
        return (shown_in(text) if text else None) or {}

    def save_refs(self, partition: str, refs: Mapping[str, Shown]) -> None:
        """Write what a partition shows; who calls it holds the lock of its refs."""
        self.save(f"refs/{partition}.json", json.dumps({name: held._asdict() for name, held in refs.items()}).encode())

    def shown(self, partition: str, stage: str) -> Shown | None:
        """The key and object that a partition shows for a stage."""
        return self.refs(partition).get(stage)

    def read(self, partition: str, stage: str) -> Ref:
        """What a partition shows for a stage. Raises NotBuilt if nothing was built or it has been collected."""
        held = self.shown(partition, stage)
        if held is None:
            raise NotBuilt(f"{partition} has no {stage} yet: build it first")
        ref = Ref(held.object, self.object_path(held.object))
        self.bring(ref)
        return ref

    def code(self, digest: str) -> Mapping[str, str]:
        """The source files' hashes and packages' versions of a recipe's code; none where they are gone or damaged."""
        try:
            return json.loads(self.load(f"code/{digest}.json") or "{}")
        except ValueError:
            return {}

    def record_path(self, key: str) -> Path:
        """Where the record of a key is or would be."""
        return self.inner / "records" / f"{key}.jsonl"

    def object_path(self, digest: str) -> Path:
        """Where the object of a content hash is or would be."""
        return self._cas / digest

    def bring(self, ref: Ref) -> Path:
        """The directory of an object, which is there afterwards. Raises NotBuilt if it was collected."""
        if not ref.path.is_dir():
            raise NotBuilt(f"object {ref.hash[:16]} is gone from {self.root}: build it again")
        return ref.path

    def load(self, name: str) -> bytes | None:
        """A small file of the store by its path below `.store`, None where there is none."""
        try:
            with open(f"{self.inner}/{name}", "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def save(self, name: str, text: bytes) -> None:
        """Put a small file of the store in place at one stroke. Raises StoreUnusable."""
        path = self.inner / name
        with explained(self.root), self._shared():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._replace(path, lambda fresh: fresh.write_bytes(text))

    def names(self, folder: str) -> Sequence[str]:
        """The small files below a folder of the store, as `load` takes them, in order."""
        return [f"{folder}/{name}" for name in sorted(hashes.sizes_in(self.inner / folder))]

    def drop(self, name: str) -> None:
        """Take a small file, or an object (`cas/<hash>`), of the store away, if it is there."""
        path = self.inner / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def used(self, key: str) -> float:
        """When a record that there is was last used, give or take an hour: seconds since the epoch."""
        return self.record_path(key).stat().st_mtime

    def objects(self) -> Mapping[str, int]:
        """The bytes of each object that there is."""
        return {path.name: sum(hashes.sizes_in(path).values()) for path in self._cas.iterdir()}

    @contextlib.contextmanager
    def locked(self, name: str) -> Generator[None]:
        """Hold the lock of that name, waiting for another process or thread to leave it. Raises StoreUnusable."""
        with explained(self.root):
            lock = (self.inner / "locks" / name).open("w")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def exclusively(self) -> Generator[None]:
        """Wait until nobody builds, and let nobody begin. Raises StoreUnusable."""
        with explained(self.root), (self.inner / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def _shared(self) -> Generator[None]:
        with (self.inner / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    def _begin(self) -> bytes:
        """State the layout. The first one had no number: what it recorded is of no use to this version."""
        with self.exclusively():
            if (self.inner / "keys").exists():
                shutil.rmtree(self.inner / "keys")
                shutil.rmtree(self.inner / "refs")
                (self.inner / "refs").mkdir()
            self._replace(self.inner / "format", lambda fresh: fresh.write_text(FORMAT))
        return FORMAT.encode()

    def _record(self, key: str) -> bytes | None:
        """The text of a record; this use of it is noted where the store can be written."""
        path = f"{self.inner}/records/{key}.jsonl"
        try:
            with open(path, "rb") as file:
                text, used = file.read(), os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return None
        if time.time() - used > USE_NOTED:
            with contextlib.suppress(OSError):
                os.utime(path)
        return text

    def _put_record(self, key: str, text: bytes) -> bytes:
        """Write a record under its key's lock; the record that the store keeps, which is the first one's."""
        self.save(f"records/{key}.jsonl", text)
        return text

    def _with_code_apart(self, recipe: Mapping[str, Any]) -> Mapping[str, Any]:
        """The recipe with its code's digest; the files' hashes are written once for all records of that code."""
        if not recipe.get("code"):
            return recipe
        digest = hashes.of_value(recipe["code"])
        if self.load(f"code/{digest}.json") is None:
            self.save(f"code/{digest}.json", json.dumps(recipe["code"]).encode())
        return {**recipe, "code": digest}

    def _whole(self, head: Head) -> bool:
        """Whether an object is there with the files and sizes that its record says."""
        return hashes.sizes_in(f"{self.inner}/cas/{head.object}") == head.files

    def _adopt(self, made: Path) -> Ref:
        """Move a directory to where its content belongs; one that is there and whole stays."""
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

    def _replace(self, path: Path, write: Callable[[Path], object]) -> None:
        """Write aside, then put in place at one stroke."""
        with tempfile.TemporaryDirectory(dir=self.inner / "tmp", ignore_cleanup_errors=True) as folder:
            fresh = Path(folder, "fresh")
            write(fresh)
            fresh.replace(path)


def _leads(link: Path, file: Path) -> bool:
    """Whether a link is there and names that file."""
    try:
        return os.path.normpath(link.parent / os.readlink(link)) == str(file)
    except OSError:
        return False
