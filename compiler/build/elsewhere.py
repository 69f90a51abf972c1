"""References and records of which only the hash and the key are here: the rest comes when it is first asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from compiler.build.record import Record, Ref


class Source(Protocol):
    """Where the rest comes from."""

    def fetch(self, digest: str) -> Path:
        """The directory of the object of that hash."""
        ...

    def whole(self, key: str) -> Record:
        """The record of that key, read."""
        ...


class FetchedRef(Ref):
    """A reference whose files come to this machine when its path is first asked for."""

    @classmethod
    def to(cls, source: Source, digest: str) -> FetchedRef:
        """A reference to that object, which is anywhere."""
        ref = object.__new__(cls)
        ref.__dict__.update(hash=digest, _source=source)
        return ref

    def __getattr__(self, name: str) -> Path:
        """`path`, which is no attribute until its files are here."""
        if name != "path":
            raise AttributeError(name)
        path = self.__dict__["path"] = self.__dict__["_source"].fetch(self.hash)
        return path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)


class KnownRecord(Record):
    """A record of which a partition's refs told the object; the rest is read when it is first asked for."""

    @classmethod
    def of(cls, source: Source, key: str, digest: str) -> KnownRecord:
        """The record of that key, which names that object."""
        record = object.__new__(cls)
        record.__dict__.update(key=key, ref=FetchedRef.to(source, digest), hit=True, _source=source)
        return record

    def __getattr__(self, name: str) -> Any:
        """`text` and `head`, which are no attributes until the record is here."""
        if name not in ("text", "head"):
            raise AttributeError(name)
        whole = self.__dict__["_source"].whole(self.key)
        self.__dict__.update(text=whole.text, head=whole.head)
        return self.__dict__[name]
