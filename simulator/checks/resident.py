"""What a core's local memory is known to hold that bounds its sums: parameters of the file, and accumulators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulator.checks.program import Program
from simulator.isa.record import Command, Operand
from simulator.isa.table import Flag
from simulator.memory import NUMPY
from simulator.timing import span

LIMIT = 1 << 31
"""What a sum in int32 stays below, and its negative at or above."""

PARTS = 16
"""Writes over parts of a buffer that are kept apart; after more, all of it counts as written over."""

Known = Mapping[str, NDArray[np.int64]]
"""Parameters by the operand's name."""


@dataclass(frozen=True)
class _Held:
    """
    Bytes `start` to `stop` of a lane hold an operand: one loaded from `source`, or accumulators up to `bound`.

    Of its bytes those of the ranges `gone` are written over: a buffer's first parts may be, while others are needed.
    """

    start: int
    stop: int
    operand: Operand
    source: Operand | None = None
    bound: int = LIMIT
    gone: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def whole(self, start: int, stop: int) -> bool:
        """Whether these bytes are there, and are as they were."""
        within = self.start <= start and stop <= self.stop
        return within and not any(first < stop and start < last for first, last in self.gone)

    def covered(self, start: int, stop: int) -> bool:
        """Whether all its bytes are among these."""
        return start <= self.start and self.stop <= stop


class Resident:
    """Parameters as they were loaded from WEIGHT, and the largest magnitude of accumulators, of one core."""

    def __init__(self, program: Program) -> None:
        self._chip, self._weights = program.model.chip, program.model.weights
        self._held: list[_Held] = []
        self._start, self._stop = self._chip.lane_bytes, 0
        """What is held, or was, lies between."""
        self.bound: int | None = None
        """Of the last record's sums."""

    def known(self, command: Command) -> Known:
        """The parameters of a record as far as they lie as they were loaded."""
        named = {name: command.operands.get(name) for name in ("params", "table")}
        found = {name: self._loaded(operand) for name, operand in named.items() if operand is not None}
        return {name: array for name, array in found.items() if array is not None}

    def sums(self, operand: Operand) -> int:
        """How large accumulators are at most."""
        same = (held for held in self._held if held.operand == operand and held.source is None and not held.gone)
        return next((held.bound for held in same), LIMIT)

    def write(self, start: int, stop: int) -> None:
        """Forget what is written over."""
        if stop <= self._start or self._stop <= start:
            return
        if met := [held for held in self._held if held.start < stop and start < held.stop]:
            for held in met:
                held.gone.append((start, stop))
            self._held = [held for held in self._held if len(held.gone) <= PARTS and not held.covered(start, stop)]

    def enter(self, command: Command) -> None:
        """Keep what a record leaves: parameters, or accumulators of the last bound."""
        out, acc = command.operands.get("out"), command.operands.get("acc")
        if command.op == "LOAD" and out is not None:
            self._keep(_Held(*span(out, self._chip), out, command.operands["in"]))
        elif acc is not None and Flag.ACC_OUT in command.flags and self.bound is not None:
            self._keep(_Held(*span(acc, self._chip), acc, None, min(self.bound, LIMIT)))

    def _keep(self, held: _Held) -> None:
        self._held.append(held)
        self._start, self._stop = min(self._start, held.start), max(self._stop, held.stop)

    def _loaded(self, operand: Operand) -> NDArray[np.int64] | None:
        """A tensor read from local memory, from where in WEIGHT it was loaded."""
        start, stop = span(operand, self._chip)
        for held in reversed(self._held):
            here = held.source is not None and held.whole(start, stop)
            if here and held.source is not None and (channel := self._channel(operand, held.operand)) is not None:
                source = held.source
                at, dtype = source.addr + channel * source.strides[1], NUMPY[operand.dtype]
                made = np.ndarray(operand.dims, dtype, self._weights.data, at, source.strides)
                return made.astype(np.int64)
        return None

    def _channel(self, part: Operand, whole: Operand) -> int | None:
        """The channel of `whole` that `part`, some of its channels, begins with; None if it is no such part."""
        if (part.dtype, part.dims[2:], part.strides[2:]) != (whole.dtype, whole.dims[2:], whole.strides[2:]):
            return None
        step, beyond = whole.strides[1], part.addr - whole.addr
        if beyond % step if step else beyond:
            return None
        channel = (beyond // step if step else 0) * self._chip.lanes + part.lane - whole.lane
        deep = part.lane + part.dims[1] > self._chip.lanes
        fits = channel >= 0 and channel + part.dims[1] <= whole.dims[1] and part.dims[0] == whole.dims[0] == 1
        return channel if fits and (not deep or part.strides[1] == step) else None
