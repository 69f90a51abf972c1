"""Ops of the element units, and casts."""

from __future__ import annotations

import numpy as np

from compiler.dialects import formula
from compiler.dialects.fields import numbers
from compiler.dialects.tpu.elementwise import CastOp, ElementwiseOp, LutOp, LutsOp, RescaleAddOp, RescaleMulOp
from compiler.interpreter.evaluate import Arrays, evaluate, extents
from compiler.ir.network import Array
from compiler.ir.storage import is_quantised, scale, storage, zero_point
from compiler.schedule.tiling import Piece
from simulator.arithmetic.casts import dequantise, narrow, quantise, store, widen
from simulator.arithmetic.requantise import lookup, numbered, rescale_add, rescale_mul
from simulator.arithmetic.stepwise import STEPWISE


@evaluate.on(ElementwiseOp)
def elementwise(op: ElementwiseOp, inputs: Arrays, piece: Piece) -> Array:
    made = formula.evaluate(op.term, inputs, STEPWISE)
    return store(np.broadcast_to(made, extents(piece)), storage(op.output))


@evaluate.on(LutOp)
def lut(op: LutOp, inputs: Arrays, piece: Piece) -> Array:
    return lookup(inputs[0], inputs[1].reshape(-1))


@evaluate.on(LutsOp)
def luts(op: LutsOp, inputs: Arrays, piece: Piece) -> Array:
    x, tables, which = inputs
    return tables.reshape(-1)[numbered(x, which)]


@evaluate.on(RescaleAddOp)
def add(op: RescaleAddOp, inputs: Arrays, piece: Piece) -> Array:
    za, zb, zy = (zero_point(value) for value in (op.lhs, op.rhs, op.output))
    low, high = map(int, op.clamp())
    ma, mb = numbers(op.multipliers)
    return rescale_add(inputs[0], inputs[1], za, zb, ma, mb, op.rshift.value.data, zy, low, high, storage(op.output))


@evaluate.on(RescaleMulOp)
def mul(op: RescaleMulOp, inputs: Arrays, piece: Piece) -> Array:
    za, zb, zy = (zero_point(value) for value in (op.lhs, op.rhs, op.output))
    low, high = map(int, op.clamp())
    m, shift = op.multiplier.value.data, op.rshift.value.data
    return rescale_mul(inputs[0], inputs[1], za, zb, m, shift, zy, low, high, storage(op.output))


@evaluate.on(CastOp)
def cast(op: CastOp, inputs: Arrays, piece: Piece) -> Array:
    (x,) = inputs
    real = dequantise(x, scale(op.input), zero_point(op.input)) if is_quantised(op.input) else widen(x)
    if is_quantised(op.output):
        return quantise(real, scale(op.output), zero_point(op.output), storage(op.output))
    return narrow(real, storage(op.output))
