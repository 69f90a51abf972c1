"""Chip presets: every number of the accelerator in one object (frozen; a change is a new preset version)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

BANKS = 16
"""Banks a lane's memory is divided into, evenly."""

VERSION = 3
"""Of the presets and of the arithmetic they stand for; part of every model's hash."""


class UnknownChip(ValueError):
    """A target names a chip that has no preset; the message lists those there are."""


@dataclass(frozen=True)
class Chip:
    """
    A lane-parallel accelerator: `cores` of them with global memory in common; the other numbers are one core's.

    Channel `c` of a tensor based at lane `c0` lives in lane `(c + c0) mod lanes`. A lane has `lane_bytes` of memory
    and element units that work on `eu_bytes` a cycle; the cube multiplies `cube_ic` input channels (at int8) by
    `cube_px` pixels a cycle in each lane. `hertz` is the clock. `ddr_bytes_per_second` come from global memory to all
    cores together, and go there too, unless `ddr_write_bytes_per_second` is another rate.
    """

    name: str
    cores: int
    lanes: int
    lane_bytes: int
    eu_bytes: int
    cube_ic: int
    cube_px: int
    hertz: float
    ddr_bytes_per_second: float
    ddr_write_bytes_per_second: float | None = None

    @property
    def ddr_bytes_per_cycle(self) -> float:
        """Bytes that come from global memory in a clock cycle."""
        return self.ddr_bytes_per_second / self.hertz

    @property
    def ddr_write_bytes_per_cycle(self) -> float:
        """Bytes that go to global memory in a clock cycle."""
        return (self.ddr_write_bytes_per_second or self.ddr_bytes_per_second) / self.hertz

    def ddr_cycles(self, read: int, written: int) -> float:
        """Cycles that global memory takes for so many bytes, those of either way after one another."""
        if self.ddr_write_bytes_per_second is None:
            return (read + written) / self.ddr_bytes_per_cycle
        return read / self.ddr_bytes_per_cycle + written / self.ddr_write_bytes_per_cycle

    @property
    def bank_bytes(self) -> int:
        """Bytes of one bank of one lane."""
        return self.lane_bytes // BANKS

    def digest(self) -> str:
        """SHA-256 over every number and the version: what a model is compiled for."""
        numbers = {name: number for name, number in asdict(self).items() if number is not None}
        return hashlib.sha256(json.dumps([VERSION, numbers], sort_keys=True).encode()).hexdigest()


CHIPS: Mapping[str, Chip] = {
    chip.name: chip
    for chip in (
        Chip("x64", 1, 64, 256 << 10, 64, 64, 4, 1.0e9, 68.256e9),
        Chip("x32", 2, 32, 128 << 10, 16, 32, 4, 0.9e9, 24e9),
        Chip("e16", 1, 16, 64 << 10, 16, 16, 2, 0.8e9, 6.4e9),
        Chip("e8", 1, 8, 32 << 10, 8, 16, 1, 0.5e9, 3.2e9),
    )
}
"""The presets by name."""


VARIANTS: Mapping[str, Chip] = {
    "x64_tpumlir": replace(
        CHIPS["x64"], name="x64_tpumlir", ddr_bytes_per_second=58.0e9, ddr_write_bytes_per_second=44.0e9
    ),
    "x32_alone": replace(CHIPS["x32"], name="x32_alone", cores=1),
}
"""
Chips to measure by, which no target names.

`x64_tpumlir` moves 58.0 bytes a cycle in and 44.0 out: the rates by which TPU-MLIR 1.30.2 estimates BM1684X.
`x32_alone` is one core of x32 with all of the bus: what a speed-up is told against.
"""


def chip_named(name: str) -> Chip:
    """The preset or variant of that name. Raises UnknownChip."""
    found = CHIPS.get(name) or VARIANTS.get(name)
    if found is None:
        raise UnknownChip(f"no chip named {name!r}; there are {', '.join(CHIPS)}")
    return found


def variant(chip: Chip, **changes: float) -> Chip:
    """The chip with some numbers changed, for experiments; its digest differs too."""
    return replace(chip, **changes)
