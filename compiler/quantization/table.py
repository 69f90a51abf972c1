"""The calibration table: text in TPU-MLIR's format, the same bytes for the same data (it carries no time)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

HEAD = "###"
"""The line before the entries; a network without floats has none."""


class DamagedTable(Exception):
    """A calibration table can't be used; the message names the file, the line and what is wrong."""


@dataclass(frozen=True)
class Entry:
    """One tensor: the threshold, and the least and greatest value seen."""

    threshold: float
    low: float
    high: float


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
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Entry]:
    """
    The entries of a table, ours or TPU-MLIR's, whose further sections (`#int4_th`, …) are left out.

    Raises DamagedTable for a line that isn't a name and three finite numbers, a name twice, or neither entry nor head.
    """
    entries: dict[str, Entry] = {}
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        if line.startswith(("#int4", "#weight_scale", "#asym")):
            break
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{path.name}, line {number}"
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


def _spell(value: float) -> str:
    """An f32 number in digits that read back as it, seven or more behind the point."""
    return np.format_float_positional(np.float32(value), unique=True, min_digits=7)
