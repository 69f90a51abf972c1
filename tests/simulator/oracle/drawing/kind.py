"""What tells one random command from another: op, function, types of its operands, flags, and whatever else decides."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.isa.table import DType, Flag

FLOATS = (DType.F32, DType.BF16, DType.F16)
BYTES = (DType.I8, DType.U8)
PLAIN = (*FLOATS, *BYTES, DType.I32)


@dataclass(frozen=True)
class Kind:
    """`types` by the operands' names; `way` is what a parameter or an optional operand makes of the op."""

    op: str
    types: tuple[tuple[str, DType], ...]
    function: str = ""
    flags: Flag = Flag.NONE
    way: str = ""

    def type(self, name: str) -> DType:
        """The type of an operand."""
        return dict(self.types)[name]

    def has(self, name: str) -> bool:
        """Whether there is such an operand."""
        return name in dict(self.types)

    def __str__(self) -> str:
        flags = [flag.name or "" for flag in Flag if flag and flag in self.flags]
        types = [f"{name}:{kind.name}" for name, kind in self.types]
        return " ".join(part for part in (self.op, self.function, self.way, *types, *flags) if part)
