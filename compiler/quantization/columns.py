"""The constant weights of a tensor's readers, as its channels see them, through the ops that only pass values on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue

from compiler.dialects.top.base import PassesValues
from compiler.dialects.top.contraction import ConvOp, MatMulOp
from compiler.dialects.top.movement import ConcatOp, SliceOp
from compiler.dialects.top.transposed import DeconvOp
from compiler.ir.network import Array, name_of, shape
from compiler.quantization.moved import axis_before
from compiler.quantization.readers import contracted_axis


@dataclass(frozen=True)
class Columns:
    """
    A contraction's weights by channel of a tensor that it reads.

    `peak` (rows, channels) is the largest magnitude over the taps that each result's weights have for each channel, of
    which they share one scale a row; there are no rows where each result reads one channel. `power` (channels) is the
    sum of the squares over results and taps.
    """

    peak: Array
    power: Array
    taps: int


def columns(value: SSAValue, axis: int, weights: Mapping[str, Array]) -> Iterator[Columns]:
    """What reads `value` along `axis`, in order; `weights` are the network's."""
    yield from _columns(value, axis, np.arange(shape(value)[axis]), shape(value)[axis], weights)


def _columns(value: SSAValue, axis: int, source: Array, count: int, weights: Mapping[str, Array]) -> Iterator[Columns]:
    """`source` (extent of `axis`) says which of `count` channels each index is, -1 for one of another tensor."""
    for use in value.uses:
        op = use.operation
        if isinstance(op, ReturnOp):
            continue
        if contracted_axis(op, use.index) is not None:
            yield _of_contraction(op, source, count, weights)
        elif op.has_trait(PassesValues):
            yield from _columns(op.results[0], *_moved(op, use.index, axis, source), count, weights)


def _moved(op: Operation, index: int, axis: int, source: Array) -> tuple[int, Array]:
    """The axis, and the sources of its indices, of what an op makes of its operand `index`."""
    made = shape(op.results[0])
    if isinstance(op, ConcatOp):
        whole = np.full(made[axis], -1)
        start = sum(shape(value)[axis] for value in op.inputs[:index])
        whole[start : start + len(source)] = source
        return axis, whole
    if isinstance(op, SliceOp):
        return axis, source[list(op.ranges()[axis])]
    after = next(i for i in range(len(made)) if made[i] == len(source) and axis_before(op, i) == axis)
    return after, source


def _of_contraction(op: Operation, source: Array, count: int, weights: Mapping[str, Array]) -> Columns:
    taps = np.abs(_by_channel(op, weights)).astype(np.float64)
    outputs, depth, size = taps.shape
    groups = len(source) // depth
    peak, power = np.zeros((outputs if depth > 1 else 0, count)), np.zeros(count)
    own = source.reshape(groups, depth)
    for group, channels in enumerate(own):
        rows, known = slice(group * outputs // groups, (group + 1) * outputs // groups), channels >= 0
        np.add.at(power, channels[known], (taps[rows][:, known] ** 2).sum((0, 2)))
        if depth > 1:
            np.maximum.at(peak[rows].T, channels[known], taps[rows][:, known].max(2).T)
    return Columns(peak, power, size)


def _by_channel(op: Operation, weights: Mapping[str, Array]) -> Array:
    """(results, channels of the input / group, taps)"""
    match op:
        case ConvOp():
            array = weights[name_of(op.filter)]
            return array.reshape(*array.shape[:2], -1)
        case DeconvOp():
            array, groups = weights[name_of(op.filter)], op.groups
            parts = array.reshape(groups, array.shape[0] // groups, array.shape[1], -1)
            return parts.transpose(0, 2, 1, 3).reshape(groups * array.shape[1], array.shape[0] // groups, -1)
        case MatMulOp():
            matrix = weights[name_of(op.right)]
            matrix = matrix.reshape(matrix.shape[-2:])
            return (matrix if op.right_transpose else matrix.T)[..., None]
        case _:
            raise TypeError(f"{op.name} has no weights by channel")
