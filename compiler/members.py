"""Which layer group runs each layer, in a file: `members.csv`, a line a layer, the group called after its last one."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

NAME = "members.csv"


class BadMembers(ValueError):
    """A file that isn't a list of groups and layers; the message names it."""


def write(path: Path, members: Iterable[tuple[str, str]]) -> None:
    """Pairs of group and layer, as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("group", "layer"))
        writer.writerows(members)


def read(path: Path) -> dict[str, str]:
    """The group of each layer. Raises BadMembers, OSError."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            if rows.fieldnames != ["group", "layer"]:
                raise BadMembers(f"{path} has no columns group and layer; give the {NAME} of a build")
            return {row["layer"]: row["group"] for row in rows}
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadMembers(f"{path} is no CSV ({error}); give the {NAME} of a build") from error


def beside(path: Path) -> dict[str, str]:
    """The group of each layer of a built model, from the file that lies beside it; none without one."""
    held = path.parent / NAME
    return read(held) if held.is_file() else {}
