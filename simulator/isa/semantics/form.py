"""What an op's page of `docs/isa.md` is made of, beside its row in the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.isa.table import DType, Region

BYTES = (DType.I8, DType.U8)
FLOATS = (DType.F32, DType.BF16, DType.F16)
PLAIN = (*FLOATS, *BYTES, DType.I32)
FAR = (Region.WEIGHT, Region.ACTIVATION, Region.IO)
NEAR = (Region.LOCAL,)


@dataclass(frozen=True)
class Part:
    """
    An operand: its extents in the op's letters, the types and regions it may have, and what it holds.

    `lane` is "any", "same" (it begins at the lane of the result), "each" (every lane has a copy of its own at that
    address), or empty for global memory.
    """

    extents: str
    types: tuple[DType, ...]
    lane: str
    meaning: str
    regions: tuple[Region, ...] = NEAR


@dataclass(frozen=True)
class Worked:
    """A record, and its work as the formula has it with numbers put in (a transfer's: cycles that it takes)."""

    record: str
    expression: str
    chip: str = "x64"


@dataclass(frozen=True)
class Meaning:
    """
    An op: operands by name, what it does in steps (Markdown), where in `docs/numerics.md` its formulas are, its cycles.

    `limits` are the least and greatest value of parameters that may not have all of their slot's, or what they may be
    where that depends on more.
    """

    operands: Mapping[str, Part]
    steps: str
    numbers: str
    work: str
    worked: Worked | None = None
    limits: Mapping[str, tuple[float, float] | str] = field(default_factory=dict[str, tuple[float, float] | str])
