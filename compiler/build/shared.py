"""
A store that many machines use at once: a local folder as a cache, and files below a URL as the truth.

    <url>/records/<key>.jsonl         as in the local store; written once and never again
    <url>/code/<digest>.json          as in the local store
    <url>/cas/<hash>/<file>           an object's files, uploaded before any record names them
    <url>/refs/<model>/<target>.json  what a partition shows
    <url>/roots/, <url>/orders/, …    whatever else is kept by name
    <url>/epoch                       changes whenever records are collected: local copies of them are forgotten

The first writer of a record wins: it is created by a conditional put, and whoever comes later takes what it names. A
killed upload leaves files that no record names. Records never change, so a machine keeps those that it has seen; what a
partition shows is asked for each time. An object comes to a machine when its files are first read there, is checked
against its hash on arrival, and is put in place by a rename.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
import time
import uuid
from collections.abc import Collection, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from compiler.build import hashes
from compiler.build.elsewhere import FetchedRef, KnownRecord
from compiler.build.faults import explained
from compiler.build.record import Head, NotBuilt, Record, Ref, Shown, head_of
from compiler.build.remote import Entry, Remote, StoreUnreachable, connect
from compiler.build.store import FORMAT, Store

UNCHANGING = ("records/", "code/")
"""Beginnings of the names of files that are written once, so that a local copy stays right."""

OWN = ("tmp/", "locks/")
"""Beginnings of the names of what is no other machine's business."""

SETTLED_S = 24 * 3600.0
"""Seconds after which an object that no record names is no upload of a running build any more."""

AT_ONCE = 8
"""Files of one object that are sent or fetched at the same time."""


class DamagedObject(Exception):
    """What came from the remote is not what its hash says; the message names the URL and what to do."""


class SharedStore(Store):
    """
    Artifacts below a URL, with a cache in a local folder. Every method may raise StoreUnreachable.

    Locks hold on one machine only: two machines may make the same thing at once, and then keep the first.
    """

    def __init__(self, remote: Remote, cache: Path) -> None:
        self.remote = remote
        self._objects: dict[str, str] = {}
        self._ahead: dict[str, bytes | None] = {}
        self._changed: dict[str, float] = {}
        super().__init__(cache)
        self.forget_collected()

    def get(self, key: str) -> Record | None:
        """The record of a key, None if there is none: it was made after its object, which is here or there."""
        return self.record(key)

    def record(self, key: str) -> Record | None:
        """The record of a key, None if there is none. Its object may still be elsewhere; its path brings it."""
        if digest := self._objects.get(key):
            return KnownRecord.of(self, key, digest)
        record = super().record(key)
        return record and dataclasses.replace(record, ref=FetchedRef.to(self, record.ref.hash))

    def point(self, partition: str, stage: str, record: Record) -> None:
        """Make a partition show a record for a stage. There are no links for people: files come when they are read."""
        now = Shown(record.key, record.ref.hash)
        with self.locked(partition.replace("/", "|") + "|refs"):
            refs = dict(self.refs(partition))
            if refs.get(stage) != now:
                refs[stage] = now
                self.save_refs(partition, refs)

    def refs(self, partition: str) -> Mapping[str, Shown]:
        """What a partition shows, by stage; one request, none while `looking_ahead`."""
        refs = super().refs(partition)
        self._objects.update({shown.key: shown.object for shown in refs.values()})
        return refs

    def read(self, partition: str, stage: str) -> Ref:
        """What a partition shows for a stage. Raises NotBuilt if nothing was built."""
        held = self.shown(partition, stage)
        if held is None:
            raise NotBuilt(f"{partition} has no {stage} yet: build it first")
        return FetchedRef.to(self, held.object)

    @contextlib.contextmanager
    def looking_ahead(self, partitions: Collection[str]) -> Generator[None]:
        """Within, what these partitions showed at the start holds, and is asked for all at once: for planning many."""
        names = [f"refs/{partition}.json" for partition in partitions]
        found = self.remote.read_all(names)
        self._ahead = {name: found.get(name) for name in names}
        try:
            yield
        finally:
            self._ahead = {}

    def bring(self, ref: Ref) -> Path:
        """The directory of an object, which is on this machine afterwards. Raises NotBuilt, DamagedObject."""
        return self.fetch(ref.hash)

    def fetch(self, digest: str) -> Path:
        """The directory of the object of that hash, got now if it is not here. Raises NotBuilt, DamagedObject."""
        path = self.object_path(digest)
        if path.is_dir():
            return path
        with self.locked(digest), tempfile.TemporaryDirectory(dir=self.inner / "tmp") as room:
            if not path.is_dir():
                made = Path(room, "object")
                made.mkdir()
                self._download(digest, made)
                if hashes.of_directory(made) != digest:
                    raise DamagedObject(
                        f"{self.remote.url}/cas/{digest}: its files are not what the hash says; remove it there and "
                        "`tpuflow store gc --verify` the store that made it, then build again"
                    )
                self._adopt(made)
        return path

    def whole(self, key: str) -> Record:
        """A record that there is, read. Raises NotBuilt if it was collected."""
        record = super().record(key)
        if record is None:
            raise NotBuilt(f"{self.remote.url}/records/{key}.jsonl was collected: build it again")
        return record

    def load(self, name: str) -> bytes | None:
        """A small file of the store, None where there is none; from here if it never changes and was seen before."""
        if name in self._ahead:
            return self._ahead[name]
        unchanging = name.startswith(UNCHANGING)
        if unchanging and (text := super().load(name)) is not None:
            return text
        text = self.remote.read(name)
        if unchanging and text is not None:
            self._keep(name, text)
        return text

    def save(self, name: str, text: bytes) -> None:
        """Put a small file of the store in place at one stroke."""
        if name.startswith(UNCHANGING):
            self.remote.create(name, text)
            self._keep(name, text)
        else:
            self.remote.replace(name, text)

    def names(self, folder: str) -> Sequence[str]:
        """The small files below a folder of the store, as `load` takes them, in order."""
        found = self.remote.listed(folder)
        self._changed.update({f"{folder}/{name}": entry.changed for name, entry in found.items()})
        return [f"{folder}/{name}" for name in sorted(found)]

    def used(self, key: str) -> float:
        """When a record was made: where many use it, nobody notes when. It was listed before."""
        return self._changed[f"records/{key}.jsonl"]

    def objects(self) -> Mapping[str, int]:
        """The bytes of each object that there is, but for those that a build may still be uploading."""
        found: dict[str, list[Entry]] = {}
        for name, entry in self.remote.listed("cas").items():
            found.setdefault(name.partition("/")[0], []).append(entry)
        before = time.time() - SETTLED_S
        settled = {digest: files for digest, files in found.items() if max(it.changed for it in files) < before}
        return {digest: sum(it.size for it in files) for digest, files in settled.items()}

    def drop(self, name: str) -> None:
        """
        Take a small file or an object of the store away, and have every machine forget its copies.

        Of an object whose copy here is damaged just that goes: it says nothing of the one that others read.
        """
        folder, _, digest = name.partition("/")
        here = self.inner / name
        spoilt = folder == "cas" and here.is_dir() and hashes.of_directory(here) != digest
        super().drop(name)
        if spoilt or name.startswith(OWN):
            return
        for file in self.remote.listed(name) if folder == "cas" else ():
            self.remote.remove(f"{name}/{file}")
        if folder != "cas":
            self.remote.remove(name)
        if folder == "records":
            self._objects.clear()
            self.remote.replace("epoch", uuid.uuid4().hex.encode())

    def forget_collected(self) -> None:
        """Forget the local copies of records if any was collected since they were made."""
        now, seen = self.remote.read("epoch") or b"", self.inner / "epoch"
        if now != (seen.read_bytes() if seen.exists() else b""):
            self._objects.clear()
            for path in (self.inner / "records").iterdir():
                path.unlink(missing_ok=True)
            self._replace(seen, lambda fresh: fresh.write_bytes(now))

    def _begin(self) -> bytes:
        """State the layout, and that this is another store than any that was at this URL before."""
        self.remote.create("epoch", uuid.uuid4().hex.encode())
        self.remote.create("format", FORMAT.encode())
        return self.remote.read("format") or b""

    def _record(self, key: str) -> bytes | None:
        return super()._record(key) or self.load(f"records/{key}.jsonl")

    def _put_record(self, key: str, text: bytes) -> bytes:
        """Upload the object, then create the record. The record that is kept, there and here, is the first one's."""
        head = head_of(text)
        if head:
            self._upload(head)
        name = f"records/{key}.jsonl"
        kept = text if self.remote.create(name, text) else self.remote.read(name) or text
        self._keep(name, kept)
        return kept

    def _keep(self, name: str, text: bytes) -> None:
        """Write a local copy. It waits for nobody: collecting, which lets nobody build, makes some too."""
        with explained(self.root):
            self._replace(self.inner / name, lambda fresh: fresh.write_bytes(text))

    def _upload(self, head: Head) -> None:
        path, folder = self.object_path(head.object), f"cas/{head.object}"
        there = self.remote.listed(folder)
        missing = [name for name, size in head.files.items() if name not in there or there[name].size != size]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(self.remote.upload, path / name, f"{folder}/{name}") for name in missing]:
                done.result()

    def _download(self, digest: str, made: Path) -> None:
        folder = f"cas/{digest}"
        names = self.remote.listed(folder)
        if not names and digest != hashes.of_value([]):
            self.forget_collected()
            raise NotBuilt(f"{self.remote.url}/{folder} is gone: build it again")
        for name in names:
            (made / name).parent.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(self.remote.download, f"{folder}/{name}", made / name) for name in names]:
                done.result()


def looking_ahead(store: Store, partitions: Collection[str]) -> contextlib.AbstractContextManager[None]:
    """For planning many partitions, by their names: what they show is asked for at once where asking takes time."""
    return store.looking_ahead(partitions) if isinstance(store, SharedStore) else contextlib.nullcontext()


def open_store(place: str | Path) -> Store:
    """
    The store at a folder or a URL; a URL's cache is `$TPUFLOW_STORE_CACHE`, or a folder of its own below the downloads.

    Raises StoreUnreachable.
    """
    if "://" not in str(place):
        return Store(Path(place))
    return SharedStore(connect(str(place)), _cache(str(place)))


def _cache(url: str) -> Path:
    chosen, downloads = os.environ.get("TPUFLOW_STORE_CACHE"), os.environ.get("TPUFLOW_CACHE")
    if chosen:
        return Path(chosen)
    users = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tpuflow"
    return (Path(downloads) if downloads else users) / "stores" / hashes.of_bytes(url.encode())[:16]


__all__ = ["DamagedObject", "SharedStore", "StoreUnreachable", "looking_ahead", "open_store"]
