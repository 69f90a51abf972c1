"""
A store that many machines use at once: a local folder as a cache, and files below a URL as the truth.

    <url>/records/<key>.jsonl         as in the local store; written once and never again
    <url>/code/<digest>.json          as in the local store
    <url>/cas/<hash>/<file>           an object's files, uploaded before any record names them
    <url>/refs/<model>/<target>.json  what a partition shows
    <url>/epoch                       changes whenever records are collected: local copies of them are forgotten

The first writer of a record wins: it is created by a conditional put, and whoever comes later takes what it names. A
killed upload leaves files that no record names. Records never change, so a machine keeps those that it has seen; what a
partition shows is asked for each time. An object comes to a machine when its files are first read there, is checked
against its hash on arrival, and is put in place by a rename.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import tempfile
import uuid
from collections.abc import Collection, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from compiler.build import hashes
from compiler.build.record import Head, Record, Ref, Shown, head_of
from compiler.build.remote import Remote, StoreUnreachable, connect
from compiler.build.store import Store

UNCHANGING = ("records/", "code/", "format")
"""Beginnings of the names of files that are written once, so that a local copy stays right."""

AT_ONCE = 8
"""Files of one object that are sent or fetched at the same time."""


class DamagedObject(Exception):
    """What came from the remote is not what its hash says; the message names the URL and what to do."""


class FetchedRef(Ref):
    """A reference whose files come to this machine when its path is first asked for."""

    @classmethod
    def to(cls, store: SharedStore, digest: str) -> FetchedRef:
        """A reference to that object, which is anywhere."""
        ref = object.__new__(cls)
        ref.__dict__.update(hash=digest, _store=store)
        return ref

    def __getattr__(self, name: str) -> Path:
        """`path`, which is no attribute until its files are here."""
        if name != "path":
            raise AttributeError(name)
        path = self.__dict__["path"] = self.__dict__["_store"].fetch(self.hash)
        return path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)


class KnownRecord(Record):
    """A record of which a partition's refs told the object; the rest is read when it is first asked for."""

    @classmethod
    def of(cls, store: SharedStore, key: str, digest: str) -> KnownRecord:
        """The record of that key, which names that object."""
        record = object.__new__(cls)
        record.__dict__.update(key=key, ref=FetchedRef.to(store, digest), hit=True, _store=store)
        return record

    def __getattr__(self, name: str) -> bytes:
        """`text`, which is no attribute until it is here."""
        if name != "text":
            raise AttributeError(name)
        text = self.__dict__["text"] = self.__dict__["_store"].text(self.key)
        return text


class SharedStore(Store):
    """
    Artifacts below a URL, with a cache in a local folder. Every method may raise StoreUnreachable.

    Locks hold on one machine only: two machines may make the same thing at once, and then keep the first.
    """

    def __init__(self, remote: Remote, cache: Path) -> None:
        self.remote = remote
        self._objects: dict[str, str] = {}
        self._ahead: dict[str, bytes | None] = {}
        super().__init__(cache)
        self.forget_collected()

    def get(self, key: str) -> Record | None:
        """The record of a key, None if there is none. Its object may still be elsewhere; its path brings it."""
        if digest := self._objects.get(key):
            return KnownRecord.of(self, key, digest)
        record = super().get(key)
        return record and dataclasses.replace(record, ref=FetchedRef.to(self, record.ref.hash))

    def point(self, partition: str, stage: str, record: Record) -> None:
        """Make a partition show a record for a stage. There are no links for people: files come when they are read."""
        now = Shown(record.key, record.ref.hash)
        with self.locked(partition.replace("/", "|") + "|refs"):
            refs = dict(self.refs(partition))
            if refs.get(stage) != now:
                refs[stage] = now
                text = json.dumps({name: held._asdict() for name, held in refs.items()})
                self.save(f"refs/{partition}.json", text.encode())

    def refs(self, partition: str) -> Mapping[str, Shown]:
        """What a partition shows, by stage; one request, none while `looking_ahead`."""
        refs = super().refs(partition)
        self._objects.update({shown.key: shown.object for shown in refs.values()})
        return refs

    def read(self, partition: str, stage: str) -> Ref:
        """What a partition shows for a stage. Raises LookupError if nothing was built."""
        held = self.shown(partition, stage)
        if held is None:
            raise LookupError(f"{partition} has no {stage} yet: build it first")
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
        """The directory of an object, which is on this machine afterwards. Raises LookupError, DamagedObject."""
        return self.fetch(ref.hash)

    def fetch(self, digest: str) -> Path:
        """The directory of the object of that hash, got now if it is not here. Raises LookupError, DamagedObject."""
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

    def text(self, key: str) -> bytes:
        """The text of a record that there is. Raises LookupError if it was collected."""
        text = self._record(key)
        if text is None:
            raise LookupError(f"{self.remote.url}/records/{key}.jsonl was collected: build it again")
        return text

    def load(self, name: str) -> bytes | None:
        """A small file of the store, None where there is none; from here if it never changes and was seen before."""
        if name in self._ahead:
            return self._ahead[name]
        unchanging = name.startswith(UNCHANGING)
        if unchanging and (text := super().load(name)) is not None:
            return text
        text = self.remote.read(name)
        if unchanging and text is not None:
            super().save(name, text)
        return text

    def save(self, name: str, text: bytes) -> None:
        """Put a small file of the store in place at one stroke."""
        if name.startswith(UNCHANGING):
            self.remote.create(name, text)
            super().save(name, text)
        else:
            self.remote.replace(name, text)

    def names(self, folder: str) -> Sequence[str]:
        """The small files below a folder of the store, as `load` takes them, in order."""
        return [f"{folder}/{name}" for name in sorted(self.remote.sizes(folder))]

    def drop(self, name: str) -> None:
        """Take a small file of the store away, and have every machine forget its copies."""
        self.remote.remove(name)
        super().drop(name)
        if name.startswith(UNCHANGING):
            self.remote.replace("epoch", uuid.uuid4().hex.encode())

    def forget_collected(self) -> None:
        """Forget the local copies of records if any was collected since they were made."""
        now, seen = self.remote.read("epoch") or b"", self.inner / "epoch"
        if now != (seen.read_bytes() if seen.exists() else b""):
            self._objects.clear()
            for path in (self.inner / "records").iterdir():
                path.unlink(missing_ok=True)
            self._replace(seen, lambda fresh: fresh.write_bytes(now))

    def _record(self, key: str) -> bytes | None:
        return super()._record(key) or self.load(f"records/{key}.jsonl")

    def _put_record(self, key: str, text: bytes) -> bytes:
        """Upload the object, then create the record. The record that is kept, there and here, is the first one's."""
        head = head_of(text)
        if head:
            self._upload(head)
        name = f"records/{key}.jsonl"
        kept = text if self.remote.create(name, text) else self.remote.read(name) or text
        Store.save(self, name, kept)
        return kept

    def _whole(self, head: Head) -> bool:
        """A record is made after its object, so the object is there or on the remote."""
        return True

    def _upload(self, head: Head) -> None:
        path, folder = self.object_path(head.object), f"cas/{head.object}"
        there = self.remote.sizes(folder)
        missing = [name for name, size in head.files.items() if there.get(name) != size]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(self.remote.upload, path / name, f"{folder}/{name}") for name in missing]:
                done.result()

    def _download(self, digest: str, made: Path) -> None:
        folder = f"cas/{digest}"
        names = self.remote.sizes(folder)
        if not names and digest != hashes.of_value([]):
            self.forget_collected()
            raise LookupError(f"{self.remote.url}/{folder} is gone: build it again")
        for name in names:
            (made / name).parent.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(self.remote.download, f"{folder}/{name}", made / name) for name in names]:
                done.result()


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


__all__ = ["DamagedObject", "SharedStore", "StoreUnreachable", "open_store"]
