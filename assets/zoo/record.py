"""
The zoo's records: the repository's, and those of the user's own folder, read and checked.

A record of the folder that can't be read isn't a model (yet): `names` leaves it out, `read` says what is wrong. Those
of the repository are all models, and where both have one of the same name it is the repository's.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from assets.zoo import complaint
from assets.zoo.complaint import Fault, Faulty
from assets.zoo.fields import NAME, Record

ROOT = Path(__file__).parents[2]
"""The repository."""

RECORDS = ROOT / "pipeline" / "zoo"
"""One `<model>.yaml` a model."""

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnknownModel(LookupError):
    """A model that has no record; the message names those there are."""


class BadRecord(Faulty):
    """A record's field is missing, unknown or of the wrong kind; the message names file, line and field."""


def own_folder() -> Path:
    """Where the user's own models lie: `$TPUFLOW_MODELS`, else `my_models` in the working directory."""
    return Path(os.environ.get("TPUFLOW_MODELS") or "my_models")


def names() -> tuple[str, ...]:
    """Models that have a record, in alphabetical order, without optional ones, which are built only if asked for."""
    return tuple(sorted({*committed(), *(path.stem for path in own_records() if _readable(path))} - {*optional()}))


def optional() -> list[str]:
    """The repository's models that stand back, in alphabetical order."""
    return [path.stem for path in sorted(RECORDS.glob("*.yaml")) if _readable(path) and read_file(path).optional]


def committed() -> list[str]:
    """The models of the repository."""
    return [path.stem for path in RECORDS.glob("*.yaml")]


def own_records() -> list[Path]:
    """The record files of the user's folder, sound or not, in alphabetical order."""
    return sorted(path for path in own_folder().glob("*.yaml") if not path.name.startswith("."))


def path_of(model: str) -> Path:
    """Where the model's record is, whether or not there is one."""
    places = [RECORDS / f"{model}.yaml", own_folder() / f"{model}.yaml"]
    return next((path for path in places if path.is_file()), places[0])


def read(model: str) -> Record:
    """The model's record, parsed again only when its file changed. Raises UnknownModel, BadRecord."""
    path = path_of(model)
    if not NAME.fullmatch(model) or not path.is_file():
        raise UnknownModel(f"the zoo has no model {model!r}; there are {', '.join(names())}")
    return read_file(path)


def read_file(path: Path) -> Record:
    """The record in a file, which has to be called after the model. Raises BadRecord, FileNotFoundError."""
    state = path.stat()
    record = _parsed(path.absolute(), (state.st_ino, state.st_size, state.st_mtime_ns))
    for field, file in record.own_files().items():
        if not file.exists():
            there = ", ".join(sorted(p.name for p in path.parent.glob(f"*{file.suffix}"))) or "none"
            reason = f"there is no file {file.name} in {complaint.shown(file.parent)} (of its kind: {there})"
            raise BadRecord(complaint.of_field(path, path.read_text(), field, reason))
    return record


@lru_cache(maxsize=4096)
def _parsed(path: Path, state: tuple[int, ...]) -> Record:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadRecord(Fault(complaint.shown(path), 0, "", f"this isn't text: {error.reason}")) from None
    try:
        record = Record.model_validate(yaml.load(text, LOADER), context={"folder": path.parent})
    except yaml.YAMLError as error:
        raise BadRecord(complaint.of_syntax(path, error)) from None
    except ValidationError as error:
        raise BadRecord(*complaint.of_fields(path, text, error)) from None
    if record.name != path.stem:
        reason = f"the name is {record.name!r}, that of the file says {path.stem!r}; make them the same"
        raise BadRecord(complaint.of_field(path, text, "name", reason))
    return record


def _readable(path: Path) -> bool:
    try:
        read_file(path)
    except (BadRecord, OSError):
        return False
    return True
