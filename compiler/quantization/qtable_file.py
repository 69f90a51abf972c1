"""
A qtable as a file in TPU-MLIR's format: an op's name and its number format a line, `#` before a comment.

A number in place of the format is a threshold, which TPU-MLIR's tables don't have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from compiler.quantization.qtable import MODES, BadQtable


def written(qtable: Mapping[str, str | float], notes: Sequence[str] = ()) -> str:
    """The file's text, `notes` as comments before the entries. Raises BadQtable for a name with a space."""
    if bad := [name for name in qtable if not name or len(name.split()) != 1]:
        raise BadQtable(f"a qtable file can't name {bad[0]!r}: it separates columns by spaces")
    lines = [*(f"# {note}" for note in notes), "# op_name    quantize_mode"]
    lines += [f"{name} {value.upper() if isinstance(value, str) else repr(value)}" for name, value in qtable.items()]
    return "".join(f"{line}\n" for line in lines)


def read(path: Path) -> dict[str, str | float]:
    """
    The entries of a file, ours or TPU-MLIR's, formats in capitals.

    Raises BadQtable for a line that isn't a name and a format or a threshold, or names an op a second time;
    FileNotFoundError.
    """
    entries = dict[str, str | float]()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"{path.name}, line {number}"
        if len(words) != 2:
            raise BadQtable(f"{where}: {line.strip()!r} isn't a name and a format")
        name, value = words
        if name in entries:
            raise BadQtable(f"{where}: {name!r} is there a second time; keep one of its lines")
        entries[name] = value.upper() if value.lower() in MODES else _threshold(value, where)
    return entries


def _threshold(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        there = ", ".join(MODES).upper()
        raise BadQtable(f"{where}: there is no format {text!r}; there are {there}, or a threshold") from None
