"""Windows and reductions."""

from __future__ import annotations

from compiler.dialects.fields import numbers
from compiler.dialects.tpu.pooling import PoolOp, ReduceOp
from compiler.interpreter.evaluate import Arrays, evaluate, extents, pads_of
from compiler.ir.network import Array, shape, size
from compiler.ir.storage import storage, zero_point
from compiler.schedule.tiling import Piece
from simulator.arithmetic import pooling


@evaluate.on(PoolOp)
def pool(op: PoolOp, inputs: Arrays, piece: Piece) -> Array:
    x, params = inputs
    low, high = op.clamp()
    return pooling.pool(
        op.function.data,
        x,
        kernel=op.window.kernel,
        strides=op.window.strides,
        pads=pads_of(piece),
        dilations=op.window.dilations,
        count_pad=bool(op.count_include_pad),
        zx=zero_point(op.input),
        params=params if params.size else None,
        zy=zero_point(op.output),
        low=low,
        high=high,
        dtype=storage(op.output),
    )


@evaluate.on(ReduceOp)
def reduce(op: ReduceOp, inputs: Arrays, piece: Piece) -> Array:
    function, axes = op.function.data, numbers(op.axes)
    low, high = op.clamp()
    acc = pooling.reduce_start(function, extents(piece), storage(op.input).kind in "iu")
    acc = pooling.reduce_step(function, acc, inputs[0], over_h=2 in axes, over_w=3 in axes, zx=zero_point(op.input))
    return pooling.reduce_finish(
        function,
        acc,
        count=size(tuple(shape(op.input)[axis] for axis in axes)),
        multiplier=op.multiplier.value.data if op.multiplier else 0,
        shift=op.rshift.value.data if op.rshift else 0,
        zy=zero_point(op.output),
        low=low,
        high=high,
        dtype=storage(op.output),
    )
