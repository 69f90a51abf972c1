"""
What only a run can show: sums that leave int32, NaN and infinity where they are born, data that a record can't take.

A watch is given every record's step while a session is made, and hands most of them back as they are: sums that
`proofs` has shown to fit, and records of integers otherwise, cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

from simulator.checks import births, report, wide
from simulator.checks.finding import Finding, collapsed
from simulator.checks.program import Program
from simulator.checks.report import Where
from simulator.checks.resident import LIMIT
from simulator.checks.walk import Access
from simulator.cores import Turn
from simulator.execute.site import Site
from simulator.execute.table import Step
from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Flag
from simulator.memory import Memory

CHOOSY = frozenset(("LUT", "POOL", "RESAMPLE"))
"""Ops that refuse some data: the number of a table, a count, or an index that there isn't."""

WRAPPING = frozenset(("add", "sub", "mul", "abs", "shl"))
"""Functions of ARITH whose integer results may leave int32."""

INTEGERS = (DType.I8, DType.U8, DType.I32)


class Watch:
    """The data checks of one chip, whose memories these are, core by core."""

    def __init__(
        self, program: Program, unproven: AbstractSet[Where], memories: Sequence[Memory], wraps: bool = False
    ) -> None:
        """`wraps`: i32 arithmetic that leaves int32 is a fault too, though the chip defines that it wraps."""
        self._program, self._unproven, self._memories, self._wraps = program, unproven, memories, wraps
        self._found: list[Finding] = []

    def __call__(self, turn: Turn, command: Command, step: Step) -> Step:
        """The step that runs in the record's place."""
        where, memory = (turn.core, turn.engine, turn.at + 1), self._memories[turn.core]
        if command.op in CHOOSY:
            step = self._choosing(where, command, step)
        if where in self._unproven or (self._wraps and _may_wrap(command)):
            step = self._summing(where, Site(command, where[2], memory, {}), step)
        if (told := births.watched(command, memory.chip)) is not None:
            return self._bearing(where, memory, *told, step)
        return step

    def take(self) -> list[Finding]:
        """What was found since the last call, alike ones once."""
        found, self._found = self._found, []
        return report.named(self._program, collapsed(found))

    def _summing(self, where: Where, site: Site, step: Step) -> Step:
        op, name = site.command.op, "acc" if site.flagged(Flag.ACC_OUT) else "out"
        exact, kind = (wide.whole, "wrap") if op == "ARITH" else (wide.sums, "sum")

        def run() -> None:
            made = np.broadcast_to(exact(site), site.operand(name).dims)
            astray = np.argwhere((made < -LIMIT) | (made >= LIMIT))
            if len(astray):
                first = tuple(astray[0].tolist())
                held = made[first].astype(np.int32)
                message = (
                    f"{op} makes {made[first]} at {first}, which int32 holds as {held}; {len(astray)} of {made.size} "
                    "are beyond it"
                )
                self._enter(where, "overflow", message, kind, name, site.operand(name), astray)
            step()

        return run

    def _bearing(
        self, where: Where, memory: Memory, result: Access, over: Sequence[Access], beside: Sequence[Access], step: Step
    ) -> Step:
        made, dtype = memory.place(result.operand), result.operand.dtype
        inside, outside = ([(memory.place(a.operand), a.operand.dtype) for a in told] for told in (over, beside))

        def run() -> None:
            before = any(births.odd(*held) for held in inside)
            step()
            if births.odd(made, dtype) and not before and not any(births.odd(*held) for held in outside):
                values = made.gather()
                found, unordered = births.where_odd(values, dtype)
                kind, first = ("NaN" if unordered else "infinity"), tuple(found[0].tolist())
                op = report.command_at(self._program, where).op
                message = (
                    f"{op} makes {values[first]} at {first} of operands that are all finite; "
                    f"{len(found)} of {values.size} are NaN or infinite"
                )
                self._enter(where, "births", message, kind, result.name, result.operand, found)

        return run

    def _choosing(self, where: Where, command: Command, step: Step) -> Step:
        def run() -> None:
            try:
                step()
            except ValueError as error:
                message = f"{command.op} can't take its data: {error}"
                self._found.append(report.at_record(self._program, "data", where, message, "data"))
                raise

        return run

    def _enter(
        self, where: Where, check: str, message: str, kind: str, name: str, operand: Operand, at: NDArray[np.int64]
    ) -> None:
        made = report.at_record(self._program, check, where, message, kind)
        ends: tuple[list[int], list[int]] = at.min(0).tolist(), (at.max(0) + 1).tolist()
        self._found.append(report.at_bytes(made, self._program, name, operand, *ends))


def _may_wrap(command: Command) -> bool:
    """Whether a record is arithmetic of integers that can leave int32."""
    told = [operand for name in ("a", "b") if (operand := command.operands.get(name)) is not None]
    whole = bool(told) and all(operand.dtype in INTEGERS for operand in told)
    return command.op == "ARITH" and command.function in WRAPPING and whole
