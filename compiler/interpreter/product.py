"""Matrix products with the rows of the left operand in the lanes."""

from __future__ import annotations

import numpy as np

from compiler.dialects.tpu.product import BatchMatMulOp, HeadMatMulOp, Product
from compiler.interpreter.evaluate import Arrays, evaluate, extents
from compiler.ir.network import Array
from compiler.ir.storage import is_quantised, storage, zero_point
from compiler.schedule.tiling import Piece
from simulator.arithmetic import floating, integer
from simulator.arithmetic.casts import clamp, narrow
from simulator.arithmetic.requantise import dequantise_sums, requantise


@evaluate.on(BatchMatMulOp)
def batch_matmul(op: BatchMatMulOp, inputs: Arrays, piece: Piece) -> Array:
    batch = extents(piece)[0]
    a, b = inputs[0].reshape(*inputs[0].shape[:2], -1), inputs[1][..., 0]
    if op.right_transpose:
        b = b.swapaxes(1, 2)
    a, b = (np.broadcast_to(x, (batch, *x.shape[1:])) for x in (a, b))
    return _product(op, a, b, inputs[2][0, :, 0].T if inputs[2].size else None)[..., None]


@evaluate.on(HeadMatMulOp)
def head_matmul(op: HeadMatMulOp, inputs: Arrays, piece: Piece) -> Array:
    images, m, heads, n = extents(piece)
    rows, right = (inputs[0] if op.apart else _apart(inputs[0], heads)), _apart(inputs[1], heads)
    columns = slice(piece.work[3].start, piece.work[3].stop)
    right = right.swapaxes(1, 3) if op.right_transpose else right[..., columns]
    a, b = (x.swapaxes(1, 2).reshape(images * heads, x.shape[1], x.shape[3]) for x in (rows, right))
    return _product(op, a, b, None).reshape(images, heads, m, n).swapaxes(1, 2)


def _apart(side_by_side: Array, heads: int) -> Array:
    """(n, rows, heads · columns, 1) as (n, rows, heads, columns)."""
    images, rows, *_ = side_by_side.shape
    return side_by_side.reshape(images, rows, heads, -1)


def _product(op: Product, a: Array, b: Array, params: Array | None) -> Array:
    """(b, m, k) by (b, k, n) → (b, m, n), finished as `op` says; `params` have a row for each kind of parameter."""
    low, high = op.clamp()
    made = storage(op.output)
    if storage(op.input).kind not in "iu":
        sums = floating.products(a, b, start=np.zeros((), np.float32) if params is None else params[0])
        return narrow(clamp(sums, low, high), made)
    sums = integer.products(a, b, za=zero_point(op.input), zb=zero_point(op.right), start=None)
    bias, multiplier, shift = _factor(op) if params is None else params
    if is_quantised(op.output):
        return requantise(sums, multiplier, shift, zero_point(op.output), low, high, made, bias)
    return sums + bias if made.kind == "i" else clamp(dequantise_sums(sums, multiplier, shift, bias), low, high)


def _factor(op: Product) -> tuple[Array, ...]:
    """Bias, multiplier and shift of all columns, these zeros where the sums are the result."""
    multiplier, shift = (0 if told is None else told.value.data for told in (op.multiplier, op.rshift))
    return tuple(np.array(number, np.int32) for number in (0, multiplier, shift))
