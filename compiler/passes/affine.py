"""Ops that are `x · scale + bias` with constants along one axis: BatchNorm, Scale, Add, Mul … seen as one thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from xdsl.ir import SSAValue

from compiler.dialects.top import ops as top
from compiler.ir.network import Array, shape

Constants = Callable[[SSAValue], Array | None]


@dataclass(frozen=True)
class Affine:
    """`source · scale + bias`; both float64, of one element or of one for each index of the axis asked for."""

    source: SSAValue
    scale: Array
    bias: Array


def affine(op: top.TopOp, axis: int, constants: Constants) -> Affine | None:
    """What `op` does along `axis` of its result; None where it isn't affine there, or does more."""
    match op:
        case top.BatchNormOp() | top.ScaleOp():
            return _normalisation(op, constants) if axis == 1 else None
        case top.AddConstOp():
            return _of(op.input, 1.0, op.constant)
        case top.SubConstOp():
            return _of(op.input, -1.0, op.constant) if op.is_reverse else _of(op.input, 1.0, -op.constant)
        case top.MulConstOp():
            return _of(op.input, op.constant, 0.0)
        case top.DivConstOp(is_reverse=reverse) if not reverse:
            return _of(op.input, 1.0 / op.constant, 0.0)
        case top.AddOp() | top.SubOp() | top.MulOp() | top.DivOp() if len(op.inputs) == 2:
            return _with_weight(op, axis, constants)
        case _:
            return None


def _of(source: SSAValue, scale: float | Array, bias: float | Array) -> Affine:
    return Affine(source, np.asarray(scale, np.float64), np.asarray(bias, np.float64))


def _normalisation(op: top.BatchNormOp | top.ScaleOp, constants: Constants) -> Affine | None:
    values = [constants(value) if top.is_present(value) else np.float64(0) for value in op.operands[1:]]
    present = [np.asarray(v, np.float64) for v in values if v is not None]
    if len(present) < len(values):
        return None
    if isinstance(op, top.ScaleOp):
        return _of(op.input, *present)
    mean, variance, gamma, beta = present
    scale = (gamma if top.is_present(op.gamma) else 1.0) / np.sqrt(variance + op.epsilon.value.data)
    return _of(op.input, scale, beta - mean * scale)


def _with_weight(op: top.Nary, axis: int, constants: Constants) -> Affine | None:
    left, right = op.inputs
    x, weight = (left, right) if constants(right) is not None else (right, left)
    if (array := constants(weight)) is None or shape(x) != shape(op.output):
        return None
    along = _along(array.astype(np.float64), len(shape(x)), axis)
    if along is None:
        return None
    match op, x == left:
        case top.AddOp(), _:
            return _of(x, 1.0, along)
        case top.SubOp(), True:
            return _of(x, 1.0, -along)
        case top.SubOp(), False:
            return _of(x, -1.0, along)
        case top.MulOp(), _:
            return _of(x, along, 0.0)
        case top.DivOp(), True:
            return _of(x, 1.0 / along, 0.0)
        case _:
            return None


def _along(array: Array, rank: int, axis: int) -> Array | None:
    """The array as a vector along `axis` of a tensor of this rank, where it broadcasts along all others."""
    dims = (1,) * (rank - array.ndim) + array.shape
    return array.reshape(-1) if all(extent == 1 or i == axis for i, extent in enumerate(dims)) else None
