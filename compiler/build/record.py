"""What the store keeps of a result besides its files, and how that is written down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

Metadata = Mapping[str, Any]


class NotBuilt(LookupError):
    """What is asked for was not built, or was collected since; the message says what it is."""


class DamagedRecord(Exception):
    """A record's recipe or metadata can't be read; the message says how to be rid of it."""


class Shown(NamedTuple):
    """What a partition shows for a stage: a record's key and its object's content hash."""

    key: str
    object: str


@dataclass(frozen=True)
class Ref:
    """What travels between stages: an object's content hash and where its files are."""

    hash: str
    path: Path


@dataclass(frozen=True)
class Head:
    """The first line of a record: its object, and the size in bytes of each of the object's files by name."""

    object: str
    files: Mapping[str, int]


@dataclass(frozen=True)
class Record:
    """
    What a recipe made. `hit` says that it was there already.

    Recipe and metadata are read from `text` when they are first asked for: most who hold a record never do. Both raise
    DamagedRecord.
    """

    key: str
    ref: Ref
    hit: bool
    head: Head = field(repr=False)
    text: bytes = field(repr=False)

    @cached_property
    def recipe(self) -> Mapping[str, Any]:
        """Why it was made: stage, params, inputs, and the digest of the code (`Store.code` has the files' hashes)."""
        return self._line(1)

    @cached_property
    def metadata(self) -> Metadata:
        """What the stage told, and the seconds that it took."""
        return self._line(2)

    def _line(self, number: int) -> Mapping[str, Any]:
        try:
            return json.loads(self.text.split(b"\n", 3)[number])
        except ValueError as error:
            raise DamagedRecord(
                f"record {self.key} can't be read ({error}): `tpuflow store gc --verify` removes it, "
                "and the next build makes it again"
            ) from error


def written(head: Head, recipe: Mapping[str, Any], metadata: Metadata) -> bytes:
    """A record as three lines of JSON: head, recipe, metadata."""
    lines = ({"object": head.object, "files": dict(head.files)}, recipe, metadata)
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def head_of(text: bytes) -> Head | None:
    """The head of a record; None if the record is cut off or its head is no head."""
    if text.count(b"\n") != 3 or not text.endswith(b"\n"):
        return None
    try:
        return Head(**json.loads(text[: text.index(b"\n")]))
    except (ValueError, TypeError):
        return None


def readable(text: bytes) -> bool:
    """Whether all lines of a record can be read."""
    try:
        return head_of(text) is not None and all(isinstance(json.loads(line), dict) for line in text.splitlines())
    except ValueError:
        return False


def shown_in(text: bytes) -> Mapping[str, Shown] | None:
    """What a partition's refs say, by stage; None if they can't be read."""
    try:
        return {stage: Shown(**held) for stage, held in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError):
        return None
