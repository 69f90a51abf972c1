"""The calibration table: text in TPU-MLIR's format, the same bytes for the same data (it carries no time)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

HEAD = "###"
"""The line before the entries; a network without floats has none."""


CUT = "#range"
"""Before a tensor's name and what is kept of it, behind the entries; a comment to TPU-MLIR."""


class DamagedTable(Exception):
    """A calibration table can't be used; the message names the file, the line and what is wrong."""


@dataclass(frozen=True)
class Entry:
    """
    One tensor: the threshold, and the least and greatest value seen.

    `cut` is what is kept where that isn't simply all between -threshold and threshold.
    """

    threshold: float
    low: float
    high: float
    cut: tuple[float, float] | None = None

    @classmethod
    def keeping(cls, low: float, high: float, seen: tuple[float, float]) -> Entry:
        """Of a tensor with values `seen` from the least to the greatest, those from `low` to `high`."""
        made = cls(max(-low, high, 0.0), *seen)
        return made if made.range == (low, high) else replace(made, cut=(low, high))

    def reaching(self, low: float, high: float) -> Entry:
        """One that also keeps what lies between these."""
        own = self.range
        wide = min(low, own[0]), max(high, own[1])
        return self if wide == own else Entry.keeping(*wide, (self.low, self.high))

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest value that is kept."""
        if self.cut is not None:
            return self.cut
        low, high = (min(max(end, -self.threshold), self.threshold) for end in (self.low, self.high))
        return low, high


@dataclass(frozen=True)
class Table:
    """Entries by tensor name in execution order, and how they were made."""

    entries: dict[str, Entry]
    network: str
    method: str
    bins: int
    samples: int

    def write(self, path: Path) -> None:
        """Write the table. Raises ValueError for a tensor name with a space, which the format can't hold."""
        if bad := [name for name in self.entries if not name or len(name.split()) != 1]:
            raise ValueError(f"a calibration table can't name {bad[0]!r}: it separates columns by spaces")
        lines = [
            "# mlir version: tpuflow cali version 1.0",
            f"# mlir: {self.network}",
            f"# quantization threshold calculation method: ['{self.method}']",
            f"# histogram number: {self.bins}",
            f"# sample number: {self.samples}",
            HEAD,
            "# op_name    threshold    min    max",
            *(f"{name} {_spell(e.threshold)} {_spell(e.low)} {_spell(e.high)}" for name, e in self.entries.items()),
            *(f"{CUT} {name} {_spell(e.cut[0])} {_spell(e.cut[1])}" for name, e in self.entries.items() if e.cut),
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Entry]:
    """
    The entries of a table, ours or TPU-MLIR's, whose further sections (`#int4_th`, …) are left out; our own, of
    ranges, is read.

    Raises DamagedTable for a line that isn't a name and three finite numbers, a name twice, or neither entry nor head.
    """
    entries: dict[str, Entry] = {}
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        if line.startswith(("#int4", "#weight_scale", "#asym")):
            break
        where = f"{path.name}, line {number}"
        if line.startswith(f"{CUT} "):
            name, entry = _cut(line, entries, where)
            entries[name] = entry
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split()
        try:
            name, (level, low, high) = words[0], map(float, words[1:])
        except ValueError:
            raise DamagedTable(f"{where}: {line!r} isn't `name threshold min max`; calibrate again") from None
        if not np.isfinite([level, low, high]).all() or level < 0 or low > high:
            raise DamagedTable(f"{where}: {name!r} has no sound range; calibrate again")
        if name in entries:
            raise DamagedTable(f"{where}: {name!r} is there a second time; keep one of its lines")
        entries[name] = Entry(level, low, high)
    if not entries and HEAD not in lines:
        raise DamagedTable(f"{path.name} has no entry; calibrate again")
    return entries


def _cut(line: str, entries: Mapping[str, Entry], where: str) -> tuple[str, Entry]:
    """The entry that a line of the ranges completes."""
    try:
        _, name, *words = line.split()
        low, high = map(float, words)
    except ValueError:
        raise DamagedTable(f"{where}: {line!r} isn't `{CUT} name low high`; calibrate again") from None
    if name not in entries or not np.isfinite([low, high]).all() or low > high:
        raise DamagedTable(f"{where}: {name!r} has no sound range, or no entry before; calibrate again")
    return name, replace(entries[name], cut=(low, high))


def _spell(value: float) -> str:
    """An f32 number in digits that read back as it, seven or more behind the point."""
    return np.format_float_positional(np.float32(value), unique=True, min_digits=7)
