"""Commands that multiply two activations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compiler.codegen.emit.emit import Place, emit
from compiler.codegen.operands import stretched
from compiler.dialects.tpu import ops as tpu
from compiler.ir.network import shape
from compiler.ir.storage import zero_point
from compiler.schedule.tiling import Piece
from simulator.isa.record import Command, Operand


@emit.on(tpu.BatchMatMulOp)
def batch_matmul(op: tpu.BatchMatMulOp, piece: Piece, place: Place) -> Iterator[Command]:
    a, b = place.inputs
    assert a
    assert b
    batch, m, n, _ = place.output.dims
    right = _transposed(op, b, piece) if op.right_transpose else b
    operands = {
        "out": place.output,
        "a": stretched(a, (batch, m, a.dims[2], 1)),
        "b": stretched(right, (batch, right.dims[1], n, 1)),
        **place.carried(),
    }
    low, high = op.clamp()
    points = {"za": zero_point(op.input), "zb": zero_point(op.right), "zy": zero_point(op.output)}
    factor = {
        "multiplier": op.multiplier.value.data if op.multiplier else 0,
        "shift": op.rshift.value.data if op.rshift else 0,
    }
    yield Command("BMATMUL", operands, {**points, **factor, "low": low, "high": high}, flags=place.flags)


def _transposed(op: tpu.BatchMatMulOp, rows: Operand, piece: Piece) -> Operand:
    """(b·n, k, 1, 1) read as (b, k, n, 1): of each matrix the rows that the piece makes columns of."""
    made, (count, k, _, _) = piece.work[2], rows.dims
    row, depth, _, column = rows.strides
    if count == len(made):
        return replace(rows, dims=(1, k, count, 1), strides=(0, depth, row, column))
    whole = shape(op.output)[2]
    addr = rows.addr + made.start * row
    return replace(rows, addr=addr, dims=(count // whole, k, len(made), 1), strides=(whole * row, depth, row, column))
