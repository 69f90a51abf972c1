"""
Attention of eight-bit operands, heads side by side and rows in the lanes: no tensor changes lanes on the way.

Weights are `exp(x - max)` in steps of 1/255, and the sum divides what they make instead of the weights: fewer
divisions, and steps as fine as the largest weight of each row allows. Between the products all is f32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, StringAttr, TensorType, f16, f32
from xdsl.ir import Attribute, Operation, SSAValue

from compiler.dialects.fields import TRUE, integer, ints
from compiler.dialects.formula import Operand, exp
from compiler.dialects.quant import UniformType
from compiler.dialects.top.base import PassesValues
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import ReshapeOp
from compiler.dialects.tpu.pooling import ReduceOp
from compiler.dialects.tpu.product import HeadMatMulOp
from compiler.ir.network import Network, name_of, shape
from compiler.ir.storage import scale
from compiler.lowering.attention_pattern import Attention, attentions
from compiler.lowering.axes import joined
from compiler.lowering.borders import cast, of_type, rounded
from compiler.lowering.floating import formula_op
from compiler.lowering.int8 import stored
from compiler.lowering.job import Job
from compiler.lowering.rows import LANES
from compiler.quantization.fixed_point import multiplier_and_shift
from compiler.quantization.float_ops import serves_float
from compiler.quantization.types import U8
from simulator.layout import up

STEPS = 255
"""A row's largest weight."""

STEPS_OF_WEIGHTS = UniformType.per_tensor(1 / STEPS, storage=U8)

SCORES = 1 << 19
"""The most scores that are looked at together: heads are taken by so many, that lanes hold them beside weights."""

COLUMNS = ints(3)

DEEPEST = 1 << 14
"""Products of so many eight-bit numbers stay within an int32."""

WIDEST = 512
"""Columns of a head that is read whole, for the smallest chip's lanes hold a row of several such."""


def attentions_of(
    network: Network, scales: Mapping[str, UniformType], apart: Mapping[str, str]
) -> dict[Operation, Attention]:
    """
    What is done so here, by its last op: calibration saw the operands and the result, and the lanes have rows enough.

    `apart` are formats that ops have of their own: all of an attention's may be f16.
    """
    found = {attention.ops[-1]: attention for attention in attentions(network)}
    return {last: each for last, each in found.items() if _fits(each, scales, apart)}


def _fits(found: Attention, scales: Mapping[str, UniformType], apart: Mapping[str, str]) -> bool:
    needed = [name_of(value) for value in (found.query, found.key, found.value, found.ops[-1].results[0])]
    enough = found.rows >= LANES and found.depth < DEEPEST and found.widest <= WIDEST
    own = {apart.get(name_of(op)) for op in found.ops if not op.has_trait(PassesValues)}
    return enough and all(name in scales for name in needed) and own in ({None}, {"f16"})


def attention(found: Attention, job: Job) -> TpuOp:
    """The op whose result takes the place of the last op's, a view of (b, m, heads, d)."""
    # What float ops alone read isn't rounded.
    result = f32 if serves_float(found.ops[-1], job.formats) else job.scales[job.name]
    step = result.scales.data[0].data if isinstance(result, UniformType) else 1.0
    half = any(name_of(op) in job.formats for op in found.ops)
    query, key, value = (cast(x, f16, job) if half else stored(x, job) for x in (found.query, found.key, found.value))
    masks = [_beside_heads(mask, job) for mask in found.masks]
    (batch, rows, _), keys = shape(query), shape(key)[1]
    parts = up(found.heads, max(SCORES // (batch * rows * keys), 1))
    ends = [found.heads * i // parts for i in range(parts + 1)]
    made = list[SSAValue]()
    for first, end in pairwise(ends):
        dims = (batch, rows, end - first, keys)
        heads = {"all": integer(found.heads), "first": integer(first)}
        factor = {} if half else _factor(scale(query) * scale(key) * found.scale)
        product = HeadMatMulOp(
            operands=[query, key],
            result_types=[TensorType(f32, dims)],
            attributes={"right_transpose": TRUE, **heads, **factor},
        )
        scores = job.insert(product, f"scores{first}")
        if half:
            scores = job.insert(formula_op(Operand(0) * found.scale, [scores], scores.type), f"scaled{first}")
        weights, total = _weights(scores, masks, str(first), f16 if half else STEPS_OF_WEIGHTS, job)
        mixed = HeadMatMulOp(
            operands=[weights, value],
            result_types=[TensorType(f32, (*dims[:3], found.width))],
            attributes=heads | ({} if half else _factor(scale(value) / step)),
        )
        share = Operand(0) / Operand(1)
        if isinstance(result, UniformType):
            share = rounded(share * float(np.float32(1 / step)) if half else share, result)
        operands = [job.insert(mixed, f"mixed{first}"), total]
        made.append(job.insert(formula_op(share, operands, TensorType(result, shape(operands[0]))), f"heads{first}"))
    whole = made[0] if len(made) == 1 else job.insert(joined(made, 2, job), "heads")
    assert isinstance(whole.owner, TpuOp)
    whole.owner.folds = ArrayAttr([StringAttr(name_of(op)) for op in found.ops])
    return ReshapeOp(operands=[whole], result_types=[TensorType(result, shape(found.ops[-1].results[0]))])


def _weights(
    scores: SSAValue, masks: Sequence[SSAValue], tag: str, element: Attribute, job: Job
) -> tuple[SSAValue, SSAValue]:
    """Of scores (b, m, heads, n) the weights, 255 each row's largest, stored in a type, and their sum."""
    for i, mask in enumerate(masks):
        added = formula_op(Operand(0) + Operand(1), [scores, mask], scores.type)
        scores = job.insert(added, f"masked{i}_{tag}")
    most = _reduce("max", scores, f"max{tag}", job)
    level = job.insert(formula_op(Operand(0) - log(STEPS), [most], most.type), f"level{tag}")
    below = job.insert(formula_op(Operand(0) - Operand(1), [scores, level], scores.type), f"below{tag}")
    grown = job.insert(formula_op(exp(Operand(0)), [below], scores.type), f"exp{tag}")
    term = rounded(Operand(0), element) if isinstance(element, UniformType) else Operand(0)
    held = formula_op(term, [grown], TensorType(element, shape(grown)))
    return job.insert(held, f"weights{tag}"), _reduce("sum", grown, f"sum{tag}", job)


def _reduce(function: str, x: SSAValue, suffix: str, job: Job) -> SSAValue:
    attributes: dict[str, Attribute] = {"function": StringAttr(function), "axes": COLUMNS}
    result = TensorType(f32, (*shape(x)[:3], 1))
    return job.insert(ReduceOp(operands=[x], result_types=[result], attributes=attributes), suffix)


def _factor(value: float) -> dict[str, Attribute]:
    multiplier, shift = multiplier_and_shift(float(np.float32(value)))
    return {"multiplier": integer(multiplier), "rshift": integer(shift)}


def _beside_heads(mask: SSAValue, job: Job) -> SSAValue:
    """A mask that broadcasts to (b, 1, m, n), as f32 (b, m, 1, n)."""
    batch, _, rows, keys = (*(1,) * (4 - len(shape(mask))), *shape(mask))
    return job.reshape(of_type(mask, f32, job), (batch, rows, 1, keys), "mask")
