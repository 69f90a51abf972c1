"""A random op of every class of the Tpu dialect, small, and random operands for it."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from xdsl.dialects.builtin import (
    FloatAttr,
    IntegerType,
    NoneType,
    Signedness,
    StringAttr,
    TensorType,
    bf16,
    f16,
    f32,
    f64,
    i32,
)
from xdsl.dialects.test import TestOp as Source
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import FALSE, TRUE, Window, integer, ints
from compiler.dialects.quant import UniformType
from compiler.dialects.tpu import ops as tpu
from compiler.dialects.transposed import Axis
from compiler.interpreter.run import ABSENT
from compiler.ir.network import Array, Shape
from compiler.ir.storage import is_float, storage
from simulator.arithmetic.casts import narrow

Draw = Callable[[st.SearchStrategy[Any]], Any]

I8 = UniformType.per_tensor(0.1)
U8 = UniformType.per_tensor(0.07, 3, IntegerType(8, Signedness.UNSIGNED))
FLOATS: list[Attribute] = [f32, bf16, f16]
INTEGERS: list[Attribute] = [IntegerType(8, Signedness.SIGNED), IntegerType(8, Signedness.UNSIGNED), i32]
BYTES: list[Attribute] = [I8, U8]
TABLES = 4
"""That elements of one tensor choose between."""
SIGMOID = "(1.0 / (1.0 + exp((0.0 - x0))))"


def value(element: Attribute, *extents: int) -> SSAValue:
    """A value from outside of an element type and extents."""
    return Source(result_types=[TensorType(element, extents)]).results[0]


def absent() -> SSAValue:
    """The value of an operand that isn't there."""
    return Source(result_types=[NoneType()]).results[0]


def window(draw: Draw) -> tuple[Window, Shape]:
    """A random window and the height and width of a plane it fits."""
    kernel, strides, dilations = (draw(st.tuples(*[st.integers(1, most)] * 2)) for most in (3, 3, 2))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    top, left, bottom, right = (draw(st.integers(0, kernel[i % 2] - 1)) for i in range(4))
    height, width = (n + draw(st.integers(0, 6)) for n in reach)
    return Window(kernel, strides, (top, left, bottom, right), dilations), (height, width)


def attributes_of(w: Window) -> dict[str, Attribute]:
    """The window as an op's attributes."""
    return {
        "kernel_shape": ints(*w.kernel),
        "strides": ints(*w.strides),
        "pads": ints(*w.pads),
        "dilations": ints(*w.dilations),
    }


def relu(draw: Draw) -> dict[str, Attribute]:
    """No Relu, or one with a limit or without."""
    return {
        "do_relu": draw(st.sampled_from([FALSE, TRUE])),
        "relu_limit": FloatAttr(draw(st.sampled_from([-1.0, 2.0])), f64),
    }


def contraction(draw: Draw, oc: int) -> tuple[Attribute, Attribute, SSAValue]:
    """Element types of a contraction's input and weights, and its `params`."""
    element: Attribute = draw(st.sampled_from([*FLOATS, *BYTES]))
    if isinstance(element, UniformType):
        return element, IntegerType(8), value(i32, 1, oc, 1, 3)
    return element, element, draw(st.sampled_from([absent(), value(f32, 1, oc, 1, 1)]))


def conv(draw: Draw) -> tpu.TpuOp:
    w, extents = window(draw)
    ic, oc = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    depthwise = draw(st.booleans()) and ic > 1
    oc, depth = (ic, 1) if depthwise else (oc, ic)
    element, weights, params = contraction(draw, oc)
    attributes = attributes_of(w) | {"group": integer(ic // depth)} | relu(draw)
    operands = [value(element, 2, ic, *extents), value(weights, 1, oc, depth, w.kernel[0] * w.kernel[1]), params]
    result = TensorType(element, [2, oc, *w.output((extents[0], extents[1]))])
    return tpu.ConvOp(operands=operands, result_types=[result], attributes=attributes)


def matmul(draw: Draw) -> tpu.TpuOp:
    m, k, n = (draw(st.integers(1, 5)) for _ in "mkn")
    element, weights, params = contraction(draw, n)
    operands = [value(element, m, k), value(weights, 1, n, k, 1), params]
    if element in BYTES and draw(st.booleans()):
        return tpu.MatMulOp(operands=operands, result_types=[TensorType(i32, [m, n])])
    result = TensorType(element, [m, n])
    return tpu.MatMulOp(operands=operands, result_types=[result], attributes=relu(draw))


def batch_matmul(draw: Draw) -> tpu.TpuOp:
    batch, m, k, n = (draw(st.integers(1, 5)) for _ in "bmkn")
    left, right = draw(st.sampled_from([(batch, batch), (1, batch), (batch, 1)]))
    element, other, made, attributes = product(draw)
    columns = draw(st.sampled_from([(k,), (k, 1), (1, k), (2, k)]))
    k = columns[0] * columns[-1] if len(columns) == 2 else k
    turned = attributes["right_transpose"] == TRUE
    params = value(i32, 1, n, 1, 3) if element in BYTES else value(f32, 1, n, 1, 1)
    operands = [
        value(element, left, m, *columns),
        value(other, right, n, k) if turned else value(other, right, k, n),
        draw(st.sampled_from([params, absent()])),
    ]
    return tpu.BatchMatMulOp(operands=operands, result_types=[TensorType(made, [batch, m, n])], attributes=attributes)


def head_matmul(draw: Draw) -> tpu.TpuOp:
    batch, m, k, n, heads, first, rest = (draw(st.integers(*span)) for span in [(1, 3), *[(1, 4)] * 4, *[(0, 2)] * 2])
    element, other, made, attributes = product(draw)
    count = first + heads + rest
    turned = attributes["right_transpose"] == TRUE
    attributes |= {"all": integer(count), "first": integer(first)}
    rows = draw(st.sampled_from([(heads, k), (count * k,)]))
    wide = (n, count * k) if turned else (k, count * n)
    operands = [value(element, batch, m, *rows), value(other, batch, *wide)]
    result = TensorType(made, [batch, m, heads, n])
    return tpu.HeadMatMulOp(operands=operands, result_types=[result], attributes=attributes)


def product(draw: Draw) -> tuple[Attribute, Attribute, Attribute, dict[str, Attribute]]:
    """Element types of a product's operands and result, and its attributes."""
    element: Attribute = draw(st.sampled_from([*FLOATS, *BYTES]))
    other = draw(st.sampled_from(BYTES)) if element in BYTES else element
    turned = draw(st.booleans())
    attributes: dict[str, Attribute] = {"right_transpose": TRUE if turned else FALSE, **relu(draw)}
    made = element
    if element in BYTES:
        made = draw(st.sampled_from([i32, f32, *BYTES]))
        if made == i32:
            attributes["do_relu"] = FALSE
        else:
            attributes |= {"multiplier": integer(1 << 30), "rshift": integer(36)}
    return element, other, made, attributes


def pool(draw: Draw) -> tpu.TpuOp:
    element: Attribute = draw(st.sampled_from([*FLOATS, *BYTES]))
    w, extents = window(draw)
    function = draw(st.sampled_from(["max", "avg"]))
    table = function == "avg" and isinstance(element, UniformType)
    params = value(i32, 1, 1, w.kernel[0] * w.kernel[1] + 1, 3) if table else absent()
    count_pad = draw(st.sampled_from([FALSE, TRUE]))
    attributes = attributes_of(w) | {"function": StringAttr(function), "count_include_pad": count_pad} | relu(draw)
    result = TensorType(element, [1, 3, *w.output((extents[0], extents[1]))])
    return tpu.PoolOp(operands=[value(element, 1, 3, *extents), params], result_types=[result], attributes=attributes)


def reduce(draw: Draw) -> tpu.TpuOp:
    element: Attribute = draw(st.sampled_from([*FLOATS, *BYTES, i32]))
    axes = draw(st.sampled_from([(2,), (3,), (2, 3)]))
    functions = ["max", "min", "mean"] if element in BYTES else ["max", "min", "sum", "prod"]
    function = draw(st.sampled_from([*functions, "mean"] if element in FLOATS else functions))
    attributes: dict[str, Attribute] = {"function": StringAttr(function), "axes": ints(*axes)}
    if element in BYTES and function == "mean":
        attributes |= {"multiplier": integer(1 << 30), "rshift": integer(33)}
    dims = (2, 3, 4, 5)
    result = TensorType(element, [1 if i in axes else n for i, n in enumerate(dims)])
    return tpu.ReduceOp(operands=[value(element, *dims)], result_types=[result], attributes=attributes)


def elementwise(draw: Draw) -> tpu.TpuOp:
    cases = [(SIGMOID, None), ("(x0 + x1)", (2, 3, 4)), ("(x0 * x1)", (1, 3, 1)), ("max(x0, (x1 / 3.0))", (2, 1, 4))]
    whole = [
        ("select(lt(x0, x1), x0, 3.0)", (2, 3, 4)), ("select(eq(x1, 0.0), 1.0, (x0 + x1))", (1, 3, 1)),
        ("mod(x0, x1)", (2, 1, 4)), ("copy(x0)", None), ("pow(x0, 3.0)", None), ("x0", None),
    ]  # fmt: skip
    bits = [("bitxor(bitand(x0, 255.0), shl(x0, x1))", (2, 3, 4)), ("shr(x0, 3.0)", None)]
    kinds, own = draw(st.sampled_from([(FLOATS, cases), (INTEGERS, bits), ([*FLOATS, *INTEGERS], [])]))
    formula, second = draw(st.sampled_from([*whole, *own]))
    before, after = (draw(st.sampled_from(kinds)) for _ in range(2))
    operands = [value(before, 2, 3, 4)] + ([value(before, *second)] if second else [])
    attributes: dict[str, Attribute] = {"formula": StringAttr(formula)}
    result = TensorType(after, [2, 3, 4])
    return tpu.ElementwiseOp(operands=[operands], result_types=[result], attributes=attributes)


def lut(draw: Draw) -> tpu.TpuOp:
    before, after = (draw(st.sampled_from(BYTES)) for _ in range(2))
    stored = IntegerType(8, Signedness.UNSIGNED if after is U8 else Signedness.SIGNLESS)
    operands = [value(before, 2, 3, 4), value(stored, 1, 1, 1, 256)]
    return tpu.LutOp(operands=operands, result_types=[TensorType(after, [2, 3, 4])])


def luts(draw: Draw) -> tpu.TpuOp:
    before, after = (draw(st.sampled_from(BYTES)) for _ in range(2))
    stored = IntegerType(8, Signedness.UNSIGNED if after is U8 else Signedness.SIGNLESS)
    which = value(IntegerType(8, Signedness.UNSIGNED), 1, *draw(st.sampled_from([(3, 4), (3, 1), (1, 4)])))
    operands = [value(before, 2, 3, 4), value(stored, 1, 1, TABLES, 256), which]
    return tpu.LutsOp(operands=operands, result_types=[TensorType(after, [2, 3, 4])])


def _pair(draw: Draw) -> tuple[list[SSAValue], TensorType[Attribute]]:
    second = draw(st.sampled_from([(2, 3, 4), (1, 3, 1), (2, 1, 4)]))
    a, b, made = (draw(st.sampled_from(BYTES)) for _ in range(3))
    return [value(a, 2, 3, 4), value(b, *second)], TensorType(made, [2, 3, 4])


def add(draw: Draw) -> tpu.TpuOp:
    operands, result = _pair(draw)
    attributes: dict[str, Attribute] = {"multipliers": ints(20000, -9000), "rshift": integer(15)}
    return tpu.RescaleAddOp(operands=operands, result_types=[result], attributes=attributes)


def mul(draw: Draw) -> tpu.TpuOp:
    operands, result = _pair(draw)
    attributes: dict[str, Attribute] = {"multiplier": integer((1 << 30) + 7), "rshift": integer(35)}
    return tpu.RescaleMulOp(operands=operands, result_types=[result], attributes=attributes)


def cast(draw: Draw) -> tpu.TpuOp:
    before, after = draw(st.sampled_from([(f32, I8), (bf16, U8), (I8, f32), (U8, f16), (f32, f16), (f16, bf16)]))
    return tpu.CastOp(operands=[value(before, 2, 3)], result_types=[TensorType(after, [2, 3])])


def concat(draw: Draw) -> tpu.TpuOp:
    lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    axis = draw(st.integers(0, 2))
    operands = [value(I8, *(n if i == axis else 3 for i in range(3))) for n in lengths]
    result = TensorType(I8, [sum(lengths) if i == axis else 3 for i in range(3)])
    return tpu.ConcatOp(operands=[operands], result_types=[result], attributes={"axis": integer(axis)})


def reshape(draw: Draw) -> tpu.TpuOp:
    target = draw(st.sampled_from([(2, 12), (2, 3, 2, 2), (24,), (2, 4, 3), (2, 3, 4, 1)]))
    return tpu.ReshapeOp(operands=[value(f32, 2, 3, 4)], result_types=[TensorType(f32, target)])


def permute(draw: Draw) -> tpu.TpuOp:
    order: list[int] = draw(st.permutations(range(4)))
    dims = (2, 3, 4, 5)
    result = TensorType(bf16, [dims[axis] for axis in order])
    return tpu.PermuteOp(operands=[value(bf16, *dims)], result_types=[result], attributes={"order": ints(*order)})


def take(draw: Draw) -> tpu.TpuOp:
    dims = (3, 5, 7)
    ranges = [range(n)[draw(st.integers(0, n - 1)) :: draw(st.integers(1, 3))] for n in dims]
    attributes: dict[str, Attribute] = {
        "offset": ints(*(r.start for r in ranges)),
        "steps": ints(*(r.step for r in ranges)),
    }
    result = TensorType(I8, [len(r) for r in ranges])
    return tpu.SliceOp(operands=[value(I8, *dims)], result_types=[result], attributes=attributes)


def expand(draw: Draw) -> tpu.TpuOp:
    dims = (3, 5, 4)
    source = [n if draw(st.booleans()) else 1 for n in dims]
    return tpu.ExpandOp(operands=[value(bf16, *source)], result_types=[TensorType(bf16, dims)])


def gather(draw: Draw) -> tpu.TpuOp:
    """Indices of several rows each, shared along some axes, as the table is."""
    axis, dims = draw(st.integers(0, 2)), [3, 4, 5]
    table, told = ([n if draw(st.booleans()) else 1 for n in dims] for _ in range(2))
    table[axis], told[axis] = 4, draw(st.integers(1, 6))
    made = [b if i == axis else max(a, b) for i, (a, b) in enumerate(zip(table, told, strict=True))]
    operands = [value(f16, *table), value(i32, *told)]
    return tpu.GatherOp(operands=operands, result_types=[TensorType(f16, made)], attributes={"axis": integer(axis)})


def scatter(draw: Draw) -> tpu.TpuOp:
    axis, dims, element = draw(st.integers(0, 2)), [3, 4, 5], draw(st.sampled_from([f32, bf16, i32]))
    given = list(dims)
    given[axis] = draw(st.integers(1, 6))
    told = [n if draw(st.booleans()) or i == axis else 1 for i, n in enumerate(given)]
    operands = [value(element, *dims), value(i32, *told), value(element, *given)]
    function = StringAttr(draw(st.sampled_from(["set", "add", "mul", "max", "min"])))
    attributes: dict[str, Attribute] = {"axis": integer(axis), "function": function}
    return tpu.ScatterOp(operands=operands, result_types=[TensorType(element, dims)], attributes=attributes)


def deconv(draw: Draw) -> tpu.TpuOp:
    strides, more = (draw(st.tuples(st.integers(low, 3), st.integers(low, 3))) for low in (1, 0))
    kernel = tuple(s + m for s, m in zip(strides, more, strict=True))
    dilations = tuple(draw(st.sampled_from([d for d in (1, 2, 3) if gcd(d, s) == 1])) for s in strides)
    extents = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    pads = tuple(draw(st.integers(0, (k - 1) * d)) for k, d in zip(kernel, dilations, strict=True))
    axes = [Axis(*axis) for axis in zip(kernel, strides, pads, dilations, strict=True)]
    most = [a.stride * (n - 1) + a.reach - a.pad for a, n in zip(axes, extents, strict=True)]
    sizes = [range(1, most[i] + 1) for i in range(2)]
    fit = [[m for m in sizes[i] if not any(axes[i].overhang(m, extents[i]))] for i in range(2)]
    assume(all(fit))
    ic, oc = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    depthwise = draw(st.booleans()) and ic > 1
    oc, depth = (ic, 1) if depthwise else (oc, ic)
    element, weights, params = contraction(draw, oc)
    attributes = {"kernel_shape": kernel, "strides": strides, "pads": pads, "dilations": dilations}
    operands = [value(element, 2, ic, *extents), value(weights, 1, oc, depth, kernel[0] * kernel[1]), params]
    return tpu.DeconvOp(
        operands=operands,
        result_types=[TensorType(element, [2, oc, draw(st.sampled_from(fit[0])), draw(st.sampled_from(fit[1]))])],
        attributes={k: ints(*v) for k, v in attributes.items()} | {"group": integer(ic // depth)} | relu(draw),
    )


def resample(draw: Draw) -> tpu.TpuOp:
    axis, function = draw(st.sampled_from([2, 3])), draw(st.sampled_from(["pick", "sum"]))
    before, after = draw(st.sampled_from([(f32, f32), (bf16, bf16), (I8, i32), (U8, U8), (i32, I8)]))
    after, (dims, length) = (before if function == "pick" else after), ([2, 3, 5, 6], 7)
    made = [length if i == axis else n for i, n in enumerate(dims)]
    wide = 1 if function == "pick" else 3
    table = value(i32, *((1, 1, length, wide) if axis == 2 else (1, 1, wide, length)))
    attributes: dict[str, Attribute] = {"function": StringAttr(function), "axis": integer(axis)}
    attributes |= {"reach": ints(1, -2, 3, 2)}
    if isinstance(after, UniformType) and function == "sum":
        attributes |= {"multiplier": integer(1), "rshift": integer(22)}
    return tpu.ResampleOp(
        operands=[value(before, *dims), table], result_types=[TensorType(after, made)], attributes=attributes
    )


MAKERS = [
    conv,
    matmul,
    batch_matmul,
    head_matmul,
    pool,
    reduce,
    elementwise,
    lut,
    luts,
    add,
    mul,
    cast,
    concat,
    reshape,
    permute,
    take,
    deconv,
    resample,
    expand,
    gather,
    scatter,
]
"""One for each op class that computes or moves; each is named like the answer to `evaluate`."""


def operands_of(op: tpu.TpuOp, seed: int) -> list[Array]:
    """Random operands in storage type, as frames; requantising parameters are sensible ones."""
    rng = np.random.default_rng(seed)
    return [_operand(op, v, rng) for v in op.operands]


def _resampling(op: tpu.ResampleOp, rng: np.random.Generator) -> Array:
    """A start and weights, one of them 0, for each of seven results of five indices or more."""
    starts = np.arange(7) // 2
    weights = rng.normal(0, 1, (7, op.taps)).astype(np.float32) * (rng.random((7, op.taps)) < 0.8)
    stored = weights.view(np.int32) if is_float(op.input) else np.round(weights * 2048).astype(np.int32)
    table = np.column_stack([starts.astype(np.int32), *([] if op.function.data == "pick" else [stored])])
    return table if op.along == 2 else table.T


def _operand(op: tpu.TpuOp, v: SSAValue, rng: np.random.Generator) -> Array:
    if isinstance(v.type, NoneType):
        return ABSENT
    frame, kind = tpu.frame_of(v), storage(v)
    if isinstance(op, tpu.LutsOp) and v is op.which:
        return rng.integers(0, TABLES, frame).astype(kind)
    if kind == np.int32 and isinstance(op, tpu.PoolOp):
        counts = np.arange(frame[2])
        return np.stack([counts, (1 << 30) // (counts + 1), np.full(len(counts), 29)], -1).astype(kind).reshape(frame)
    if isinstance(op, tpu.ResampleOp) and v is op.table:
        return _resampling(op, rng).reshape(frame)
    if kind == np.int32 and isinstance(op, tpu.ResampleOp):
        return rng.integers(-4000, 4000, frame).astype(kind)
    if kind == np.int32 and isinstance(op, tpu.GatherOp | tpu.ScatterOp):
        return rng.integers(-5, 6, frame).astype(kind)
    if kind == np.int32 and isinstance(op, tpu.ElementwiseOp | tpu.ReduceOp):
        return rng.integers(-(2**31), 2**31, frame).astype(kind) >> rng.integers(0, 31, frame).astype(kind)
    if kind == np.int32:
        channels = rng.integers([-500, 1 << 30, 32], [500, (1 << 31) - 1, 39], (frame[1], 3))
        return channels.astype(kind).reshape(frame)
    drawn = rng.normal(0, 3 if kind.itemsize > 1 else 50, frame)
    if kind.itemsize > 1:
        return narrow(drawn.astype(np.float32), kind)
    limits = np.iinfo(kind)
    return drawn.round().clip(limits.min, limits.max).astype(kind)
