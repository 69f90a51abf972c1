"""Local operands whose bytes are known before a run: nothing came between their load from WEIGHT and their use."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.chip import Chip
from simulator.isa.record import Command, Operand
from simulator.isa.table import Flag, Region
from simulator.timing import span, used

Span = tuple[int, int]


class Constants:
    """
    What local memory is known to hold, record by record in the order in which they run.

    The functional simulator reads such operands where they came from, which saves it gathering every weight from the
    lanes again; the load itself is still done, and what it leaves can still be read, dumped and overwritten.
    """

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._held: dict[Operand, tuple[Operand, Span]] = {}

    def enter(self, command: Command) -> Mapping[str, Operand]:
        """Go past a record; the operands that it reads from a constant, each as an operand in WEIGHT."""
        operands = used(command)
        result = "acc" if Flag.ACC_OUT in command.flags else "out"
        read = {name: self._held[held][0] for name, held in operands.items() if name != result and held in self._held}
        if result in operands:
            self._write(operands[result])
        if command.op == "LOAD" and len(operands) == 2 and operands["in"].region == Region.WEIGHT:
            self._held[operands["out"]] = operands["in"], span(operands["out"], self._chip)
        return read

    def _write(self, operand: Operand) -> None:
        if operand.region != Region.LOCAL:
            return
        first, last = span(operand, self._chip)
        self._held = {held: known for held, known in self._held.items() if known[1][1] <= first or last <= known[1][0]}
