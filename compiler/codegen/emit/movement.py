"""Ops without a command of their own: their Loads write where the result lies, or nothing moves."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.codegen.emit.emit import Place, emit
from compiler.dialects.tpu import ops as tpu
from compiler.schedule.tiling import Piece
from simulator.isa.record import Command


@emit.on(tpu.Movement, tpu.ReshapeOp)
def movement(op: tpu.TpuOp, piece: Piece, place: Place) -> Iterator[Command]:
    return iter(())
