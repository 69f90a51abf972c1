"""Weights of a contraction as int8 by output channel holds them."""

from __future__ import annotations

import numpy as np

from compiler.dialects.quant import UniformType
from compiler.dialects.top.contraction import ConvOp, MatMulOp
from compiler.ir.network import Array, shape


def fake_weights(op: ConvOp | MatMulOp, weights: Array, x: UniformType | None) -> Array:
    """
    `weights`, f32 in the op's own layout, each rounded to steps of its output channel's largest magnitude / 127.

    Where the operand has the type `x` by input channel, the steps are those of the weights times its scales, as
    lowering stores them.
    """
    scales = _of_inputs(op, weights, x)
    stored = weights.astype(np.float64) * scales
    peak = np.abs(stored).max(axis=_others(op, weights), keepdims=True)
    step = np.where(peak > 0, peak, 1.0) / 127
    return (np.rint(stored / step) * step / scales).astype(np.float32)


def _others(op: ConvOp | MatMulOp, weights: Array) -> tuple[int, ...]:
    """The axes that one output channel's weights lie along."""
    if isinstance(op, ConvOp):
        return tuple(range(1, weights.ndim))
    return (weights.ndim - 1,) if op.right_transpose else (weights.ndim - 2,)


def _of_inputs(op: ConvOp | MatMulOp, weights: Array, x: UniformType | None) -> Array:
    """The scale of each weight's input channel, in extents that broadcast to the weights; 1 without such a type."""
    if x is None or x.axis.data != (1 if isinstance(op, ConvOp) else len(shape(op.input)) - 1):
        return np.ones(1)
    scales = np.array([scale.data for scale in x.scales])
    if isinstance(op, MatMulOp):
        return scales if op.right_transpose else scales[:, None]
    count, depth = weights.shape[:2]
    groups = len(scales) // depth
    by_filter = np.repeat(scales.reshape(groups, depth), count // groups, axis=0)
    return by_filter.reshape(count, depth, *(1,) * (weights.ndim - 2))
