"""Commands that reduce windows and planes."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from compiler.codegen.emit.contraction import finish, window_params
from compiler.codegen.emit.emit import Place, emit
from compiler.dialects.fields import numbers
from compiler.dialects.tpu import ops as tpu
from compiler.ir.network import shape
from compiler.schedule.tiling import Piece
from simulator.isa.record import Command
from simulator.isa.table import Flag


@emit.on(tpu.PoolOp)
def pool(op: tpu.PoolOp, piece: Piece, place: Place) -> Iterator[Command]:
    source, table = place.inputs
    yield Command(
        "POOL",
        {"out": place.output, "in": source, "params": table},
        window_params(op.window, piece.parts[0]) | finish(op),
        op.function.data,
        Flag.COUNT_PAD if op.count_include_pad else Flag.NONE,
    )


@emit.on(tpu.ReduceOp)
def reduce(op: tpu.ReduceOp, piece: Piece, place: Place) -> Iterator[Command]:
    axes = numbers(op.axes)
    params = finish(op) | {
        "over_h": 2 in axes,
        "over_w": 3 in axes,
        "count": prod(shape(op.input)[axis] for axis in axes),
        "multiplier": op.multiplier.value.data if op.multiplier else 0,
        "shift": op.rshift.value.data if op.rshift else 0,
    }
    operands = {"out": place.output, "in": place.inputs[0], **place.carried()}
    yield Command("REDUCE", operands, params, op.function.data, place.flags)
