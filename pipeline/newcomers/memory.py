"""What the sensor remembers from one tick to the next, as its cursor."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel

from assets.zoo.complaint import Fault

State = tuple[int, int]
"""A file's time of change in nanoseconds, and its size in bytes."""


class Known(BaseModel):
    """A record that was looked at: the files it rests on as they were, and a hash of what they say; none if faulty."""

    files: dict[str, State]
    content: str = ""
    faults: list[Fault] = []


class Memory(BaseModel):
    """
    `listing` has every file of the user's folder as it was; `known` the records by path, those of both places.

    `bare` has the faults of files of which no record could be written, `gone` the records that were not there on
    the last tick, `orphans` the models' files whose record was taken away, for which none is written while they stay
    as they are. `told` is what the check last said, None before it said anything.
    """

    listing: dict[str, State] = {}
    known: dict[str, Known] = {}
    bare: dict[str, Known] = {}
    gone: list[str] = []
    orphans: dict[str, State] = {}
    told: list[Fault] | None = None
    began: bool = False

    @classmethod
    def read(cls, cursor: str | None) -> Self:
        """From the cursor; empty where there is none."""
        return cls.model_validate_json(cursor) if cursor else cls()


def state(path: Path) -> State | None:
    """The file's state, or None where there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def listing(folder: Path) -> dict[str, State]:
    """Every file below the folder but hidden ones, by absolute path."""
    found = {path: state(path) for path in folder.rglob("*") if path.is_file()}
    hidden = {path for path in found if any(part.startswith(".") for part in path.relative_to(folder).parts)}
    return {str(path.absolute()): held for path, held in sorted(found.items()) if held and path not in hidden}
