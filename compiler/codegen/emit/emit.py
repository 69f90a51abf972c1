"""The question codegen asks of every Tpu op."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xdsl.ir import Operation

from compiler.ir.interface import Interface
from compiler.schedule.tiling import Piece
from simulator.isa.record import Command, Operand
from simulator.isa.table import Flag


@dataclass(frozen=True)
class Place:
    """
    Where a piece's tensors lie in local memory.

    `inputs` are in operand order, None where absent, each exactly the part the piece reads; `acc` holds accumulators
    of the output's extents between the steps of a cut reduction; `tmp` are f32 buffers of the output's extents.
    `first` and `last` say whether the piece begins and ends the reduction.
    """

    inputs: tuple[Operand | None, ...]
    output: Operand
    acc: Operand | None = None
    tmp: tuple[Operand, ...] = ()
    first: bool = True
    last: bool = True

    @property
    def flags(self) -> Flag:
        """How the piece stands in its reduction."""
        return (Flag.NONE if self.first else Flag.ACC_IN) | (Flag.NONE if self.last else Flag.ACC_OUT)

    def carried(self) -> Mapping[str, Operand | None]:
        """The `acc` operand, where the reduction is cut."""
        return {} if self.first and self.last else {"acc": self.acc}


@Interface
def emit(op: Operation, piece: Piece, place: Place) -> Iterator[Command]:
    """The commands that make `piece` from operands already in local memory; their cycles are the op's cost."""
    raise NotImplementedError
