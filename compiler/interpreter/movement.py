"""Ops that move values."""

from __future__ import annotations

import numpy as np

from compiler.dialects.fields import numbers
from compiler.dialects.tpu.base import frame_of
from compiler.dialects.tpu.movement import ConcatOp, ExpandOp, GatherOp, PermuteOp, ReshapeOp, ScatterOp, SliceOp
from compiler.interpreter.evaluate import Arrays, evaluate, extents
from compiler.ir.network import Array
from compiler.ir.storage import storage
from compiler.schedule.tiling import Piece
from simulator.arithmetic import indexing


@evaluate.on(ConcatOp)
def concat(op: ConcatOp, inputs: Arrays, piece: Piece) -> Array:
    axis = op.axis.value.data
    made = np.empty(extents(piece), storage(op.output))
    for x, part in zip(inputs, piece.parts, strict=True):
        here = slice(part.before[axis], part.before[axis] + x.shape[axis])
        made[(slice(None),) * axis + (here,)] = x
    return made


@evaluate.on(ReshapeOp)
def reshape(op: ReshapeOp, inputs: Arrays, piece: Piece) -> Array:
    if op.keeps_frame:
        return inputs[0]
    kept = 2 if op.keeps_lanes else 0
    whole = inputs[0].reshape(*inputs[0].shape[:kept], *frame_of(op.output)[kept:])
    return whole[(..., *(slice(r.start, r.stop) for r in piece.work[kept:4]))]


@evaluate.on(PermuteOp)
def permute(op: PermuteOp, inputs: Arrays, piece: Piece) -> Array:
    return inputs[0].transpose(op.order())


@evaluate.on(SliceOp)
def take(op: SliceOp, inputs: Arrays, piece: Piece) -> Array:
    return inputs[0][tuple(slice(None, None, step) for step in numbers(op.steps))]


@evaluate.on(ExpandOp)
def expand(op: ExpandOp, inputs: Arrays, piece: Piece) -> Array:
    return np.broadcast_to(inputs[0], extents(piece))


@evaluate.on(GatherOp)
def gather(op: GatherOp, inputs: Arrays, piece: Piece) -> Array:
    return np.broadcast_to(indexing.gather(inputs[0], inputs[1], op.axis.value.data), extents(piece))


@evaluate.on(ScatterOp)
def scatter(op: ScatterOp, inputs: Arrays, piece: Piece) -> Array:
    x, index, updates = inputs
    axis = op.axis.value.data
    first, rows = piece.work[axis].start, frame_of(op.input)[axis]
    return indexing.scatter(x, index, updates, axis, op.function.data, first, rows)
