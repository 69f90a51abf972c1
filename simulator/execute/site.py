"""One record as its family's file sees it: typed access to operands and parameters, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Engine, Flag, Region
from simulator.memory import NUMPY, BadOperand, Memory, Place, written_twice

WHOLE = (DType.I8, DType.U8)
FLOATS = (DType.F32, DType.BF16, DType.F16)


class IllegalRecord(ValueError):
    """A record that the chip doesn't define; the message names engine, 1-based record, op and field."""

    def __init__(self, engine: Engine, number: int, field: str, why: str) -> None:
        super().__init__(f"{engine.name} record {number}: {field}: {why}")
        self.engine, self.number, self.field, self.why = engine, number, field, why


@dataclass(frozen=True)
class Site:
    """A command at its 1-based place in its stream, and the memory that it works on."""

    command: Command
    number: int
    memory: Memory
    constants: Mapping[str, Operand]
    """Where to read local operands that are known to hold just what was loaded from WEIGHT."""

    def fail(self, field: str, why: str) -> NoReturn:
        """Raise IllegalRecord."""
        raise IllegalRecord(self.command.engine, self.number, f"{self.command.op} {field}", why)

    def flagged(self, flag: Flag) -> bool:
        """Whether the record has a flag."""
        return flag in self.command.flags

    def integer(self, name: str) -> int:
        """A whole parameter."""
        return int(self.command.params[name])

    def real(self, name: str) -> float:
        """An f32 parameter."""
        return self.command.params[name]

    def given(self, name: str) -> bool:
        """Whether an operand is there."""
        return self.command.operands.get(name) is not None

    def operand(self, name: str) -> Operand:
        """An operand that must be there."""
        operand = self.command.operands.get(name)
        if operand is None:
            self.fail(name, "isn't there")
        return operand

    def source(self, name: str, *types: DType) -> Place:
        """A local operand that is read, of one of the types; a constant is read where it came from."""
        place = self._place(name, self._typed(name, types), (Region.LOCAL,))
        return self.memory.place(self.constants[name]) if name in self.constants else place

    def target(self, name: str, *types: DType) -> Place:
        """A local operand that is written, of one of the types; no two elements share a place."""
        operand = self._typed(name, types)
        if written_twice(operand, self.memory.chip):
            self.fail(name, f"strides {operand.strides} write a place more than once")
        return self._place(name, operand, (Region.LOCAL,))

    def outside(self, name: str, *regions: Region) -> Place:
        """An operand in global memory."""
        return self._place(name, self.operand(name), regions)

    def dims(self, name: str, expected: Sequence[int], why: str) -> None:
        """Fail unless an operand has these extents."""
        if tuple(expected) != (have := self.operand(name).dims):
            self.fail(name, f"extents {have} aren't {tuple(expected)}, {why}")

    def same_lanes(self, *names: str) -> None:
        """Fail unless the operands begin at one lane: the element units of a lane see no other's memory."""
        lanes = {name: self.operand(name).lane for name in names}
        if len(set(lanes.values())) > 1:
            self.fail("lane", f"{lanes} differ, but a lane works on its own memory")

    def clamp(self, dtype: DType) -> tuple[float, float]:
        """The bounds `low` and `high`, which must be in order, and for a quantised result in its range."""
        low, high = self.real("low"), self.real("high")
        if not low <= high:
            self.fail("low", f"{low} isn't below high, {high}")
        if dtype in WHOLE:
            limits = np.iinfo(NUMPY[dtype])
            if not limits.min <= low <= high <= limits.max or low % 1 or high % 1:
                self.fail("low", f"{low} to {high} aren't whole numbers of {dtype.name}")
        return low, high

    def shift(self) -> int:
        """The requantise shift, 0 … 62."""
        if (shift := self.integer("shift")) > 62:
            self.fail("shift", f"{shift} is above 62")
        return shift

    def _typed(self, name: str, types: Sequence[DType]) -> Operand:
        operand = self.operand(name)
        if operand.dtype not in types:
            self.fail(name, f"type {operand.dtype.name} isn't {' or '.join(dtype.name for dtype in types)}")
        return operand

    def _place(self, name: str, operand: Operand, regions: Sequence[Region]) -> Place:
        if operand.region not in regions:
            self.fail(name, f"lies in {operand.region.name}, not {' or '.join(region.name for region in regions)}")
        try:
            return self.memory.place(operand)
        except BadOperand as error:
            self.fail(name, str(error))
