"""Keeps the store within bounds, finds what is damaged in it, and says what is in it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from compiler.build import hashes
from compiler.build.record import head_of, readable, shown_in
from compiler.build.store import Store

RECENT = 7200.0
"""Seconds for which a record that was used is kept, shown or not: a build may be about to show it."""

KEY_LENGTH = 64
"""Digits of a key."""


@dataclass(frozen=True)
class Held:
    """A record as the collector sees it; `used` is the time of its last use."""

    key: str
    stage: str
    object: str
    code: str
    used: float


@dataclass(frozen=True)
class Collected:
    """What was taken away, or would be: counts, bytes freed, bytes of objects left, and damaged things by name."""

    records: int
    objects: int
    bytes: int
    left: int
    damaged: tuple[str, ...] = ()


class Contents:
    """What a store holds, read once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @cached_property
    def records(self) -> Sequence[Held]:
        """Every record that can be read, the least recently used first."""
        return sorted(self._records(), key=lambda record: (record.used, record.key))

    @cached_property
    def objects(self) -> Mapping[str, int]:
        """The bytes of each object that is there."""
        return self._store.objects()

    @cached_property
    def partitions(self) -> Sequence[str]:
        """Every partition that shows anything."""
        return [name.removeprefix("refs/").removesuffix(".json") for name in self._store.names("refs")]

    @cached_property
    def roots(self) -> frozenset[str]:
        """Keys of the records that stay: partitions show them, or a file below `.store/roots` lists them."""
        shown = {held.key for partition in self.partitions for held in self._store.refs(partition).values()}
        listed = {key for name in self._store.names("roots") for key in _json(self._store.load(name)) or ()}
        return frozenset(shown | listed)

    @cached_property
    def rooted(self) -> frozenset[str]:
        """Content hashes of the objects that stay."""
        return frozenset(record.object for record in self.records if record.key in self.roots)

    def _records(self) -> Iterator[Held]:
        for name in self._store.names("records"):
            text = self._store.load(name) or b""
            head, key = head_of(text), name[len("records/") : -len(".jsonl")]
            if head is not None and readable(text):
                recipe = json.loads(text.split(b"\n", 2)[1])
                stage, code = str(recipe.get("stage", "")), str(recipe.get("code", ""))
                yield Held(key, stage.rpartition(".")[2], head.object, code, self._store.used(key))


def damaged(store: Store) -> list[str]:
    """Objects whose files are not what the hash says, and small files that can't be read: names below `.store`."""
    objects = [path for path in sorted((store.inner / "cas").iterdir()) if hashes.of_directory(path) != path.name]
    found = [f"cas/{path.name}" for path in objects]
    found += [name for name in store.names("records") if not readable(store.load(name) or b"")]
    found += [name for name in store.names("code") if _json(store.load(name)) is None]
    return found + _unreadable_roots(store)


def collect(
    store: Store,
    *,
    verify: bool = False,
    unused: bool = False,
    max_bytes: int | None = None,
    recent: float = RECENT,
    dry_run: bool = False,
) -> Collected:
    """
    Remove leftovers of killed builds, objects no record names and, with `verify`, what is damaged.

    With `unused`, records that nothing shows go as well, and with `max_bytes` the least recently used of them until the
    objects take no more than that: going back to them means building again. What was used in the last `recent` seconds
    stays, and all does where what is shown can't be read. Waits until no stage is being made. `dry_run` only counts.
    """
    with store.exclusively():
        spoilt = damaged(store) if verify else []
        blind = bool(_unreadable_roots(store))
        contents = Contents(store)
        dropped = set[str]() if blind else _dropped(contents, unused, max_bytes, time.time() - recent)
        kept = [record for record in contents.records if record.key not in dropped]
        named, codes = {record.object for record in kept}, {record.code for record in kept}
        lost = {digest for digest in contents.objects if digest not in named or f"cas/{digest}" in spoilt}
        if not dry_run:
            for name in (
                *(f"records/{key}.jsonl" for key in dropped),
                *(f"cas/{digest}" for digest in lost),
                *spoilt,
                *(name for name in store.names("code") if name[len("code/") : -len(".json")] not in codes),
                *_leftovers(store),
            ):
                store.drop(name)
        freed = sum(contents.objects[digest] for digest in lost)
        return Collected(len(dropped), len(lost), freed, sum(contents.objects.values()) - freed, tuple(spoilt))


def _dropped(contents: Contents, unused: bool, max_bytes: int | None, before: float) -> set[str]:
    """Keys of the records to remove: of those that nothing shows and nobody used since `before`, the oldest first."""
    left = Counter(record.object for record in contents.records)
    total = sum(contents.objects.get(digest, 0) for digest in left)
    dropped = set[str]()
    for record in contents.records:
        over = max_bytes is not None and total > max_bytes and record.object not in contents.rooted
        if record.key in contents.roots or record.used > before or not (unused or over):
            continue
        dropped.add(record.key)
        left[record.object] -= 1
        total -= 0 if left[record.object] else contents.objects.get(record.object, 0)
    return dropped


def _unreadable_roots(store: Store) -> list[str]:
    """Small files that say what stays, and can't be read."""
    refs = [name for name in store.names("refs") if shown_in(store.load(name) or b"") is None]
    return refs + [name for name in store.names("roots") if not isinstance(_json(store.load(name)), list)]


def _leftovers(store: Store) -> Iterator[str]:
    """What killed builds left aside, and the locks of keys: only builders use either, and there is none now."""
    yield from (f"tmp/{path.name}" for path in (store.inner / "tmp").iterdir())
    yield from (f"locks/{path.name}" for path in (store.inner / "locks").iterdir() if len(path.name) == KEY_LENGTH)


def _json(text: bytes | None) -> Any:
    """A value of JSON, None where it can't be read."""
    try:
        return json.loads(text or b"")
    except ValueError:
        return None


def summary(store: Store) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """A row a stage: records, objects and their bytes, and the bytes that nothing shows; and the same over all."""
    contents = Contents(store)
    rows = [
        {"stage": stage, **_counted(contents, [held for held in contents.records if held.stage == stage])}
        for stage in sorted({held.stage for held in contents.records})
    ]
    return rows, {"partitions": len(contents.partitions), **_counted(contents, contents.records)}


def _counted(contents: Contents, records: Sequence[Held]) -> dict[str, int]:
    digests = {held.object for held in records}
    sizes = {digest: contents.objects.get(digest, 0) for digest in digests}
    return {
        "records": len(records),
        "objects": len(digests),
        "bytes": sum(sizes.values()),
        "unused_bytes": sum(size for digest, size in sizes.items() if digest not in contents.rooted),
    }
