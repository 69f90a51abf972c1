"""Products of two activations."""

from __future__ import annotations

import numpy as np

from compiler.dialects.tpu.product import BatchMatMulOp
from compiler.interpreter.evaluate import Arrays, evaluate, extents
from compiler.ir.network import Array, shape
from compiler.ir.storage import is_quantised, storage, zero_point
from compiler.schedule.tiling import Piece
from simulator.arithmetic import floating, integer
from simulator.arithmetic.casts import clamp, narrow
from simulator.arithmetic.requantise import requantise


@evaluate.on(BatchMatMulOp)
def batch_matmul(op: BatchMatMulOp, inputs: Arrays, piece: Piece) -> Array:
    batch = extents(piece)[0]
    a, b = inputs[0][..., 0], inputs[1][..., 0]
    if op.right_transpose:
        b = _columns(b[..., 0], piece, op)
    a, b = (np.broadcast_to(x, (batch, *x.shape[1:])) for x in (a, b))
    if storage(op.input).kind not in "iu":
        sums = floating.products(a, b, start=np.zeros((), np.float32))
        return narrow(clamp(sums, *op.clamp()), storage(op.output))[..., None]
    whole = integer.products(a, b, za=zero_point(op.input), zb=zero_point(op.right), start=None)[..., None]
    if not is_quantised(op.output):
        return whole
    assert op.multiplier
    assert op.rshift
    factor = op.multiplier.value.data, op.rshift.value.data
    return requantise(whole, *factor, zero_point(op.output), *op.clamp(), storage(op.output))


def _columns(rows: Array, piece: Piece, op: BatchMatMulOp) -> Array:
    """(b·n, k) as (b, k, n): of each matrix the rows that the piece makes columns of."""
    made = piece.work[2]
    if len(rows) == len(made):
        return rows[None].transpose(0, 2, 1)
    whole = rows.reshape(-1, shape(op.output)[2], rows.shape[1])
    return whole[:, made.start : made.stop].transpose(0, 2, 1)
