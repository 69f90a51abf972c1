"""
Quantised ops as what they mean: real numbers rounded to steps, sums of integers.

Numbers are ONNX's: `stored = saturate(round(x / scale) + zero)`, `x = (stored - zero) · scale`, halves to even.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import onnx
from onnx import helper

from compiler.frontends.onnx.graph.control import NotStatic
from compiler.frontends.onnx.graph.emitter import Emitter
from compiler.frontends.onnx.graph.fold import Known

EXACT = 1 << 24
"""Up to here a float holds every integer."""
NIBBLE = 16


def quantize(node: onnx.NodeProto, known: Known) -> Sequence[onnx.NodeProto]:
    """QuantizeLinear of every granularity into an integer of 8 or 16 bits. Raises NotStatic for another type."""
    out, (x, scale, zero) = Emitter(node, known), (*node.input, "")[:3]
    given = _attributes(node)
    kind = known.element(zero) if zero else given.get("output_dtype") or onnx.TensorProto.UINT8
    held = _integers(int(kind or 0))
    steps = out.op("Div", [x, _spread(out, scale, x, given, "scale")], "steps")
    steps = out.op("Round", [steps], "rounded")
    if zero and not _is_nothing(out, zero):
        steps = out.op("Add", [steps, _spread(out, _real(out, zero, "zero"), x, given, "zero")], "moved")
    bounds = [out.constant(n, "bound", out.kind) for n in (held.min, held.max)]
    clipped = out.op("Min", [out.op("Max", [steps, bounds[0]], "raised"), bounds[1]], "saturated")
    out.give("Cast", [clipped], node.output[0], to=int(kind or 0))
    return out.nodes


def dequantize(node: onnx.NodeProto, known: Known) -> Sequence[onnx.NodeProto]:
    """DequantizeLinear of every granularity."""
    out, (x, scale, zero) = Emitter(node, known), (*node.input, "")[:3]
    given = _attributes(node)
    real = out.op("Cast", [x], "real", to=known.element(scale))
    if zero and not _is_nothing(out, zero):
        moved = out.op("Cast", [zero], "zero", to=known.element(scale))
        real = out.op("Sub", [real, _spread(out, moved, x, given, "zero")], "moved")
    out.give("Mul", [real, _spread(out, scale, x, given, "scale")], node.output[0])
    return out.nodes


def qlinear_conv(node: onnx.NodeProto, known: Known) -> Sequence[onnx.NodeProto]:
    """A Conv of the numbers that are meant, quantised again; a bias is in steps of both scales."""
    x, sx, zx, w, sw, zw, sy, zy, bias = (*node.input, "")[:9]
    out = Emitter(node, known)
    operands = [_meant(out, x, sx, zx, 0, "x"), _meant(out, w, sw, zw, 0, "w")]
    if bias:
        step = out.op("Mul", [sx, sw], "step")
        operands.append(out.op("Mul", [out.op("Cast", [bias], "sums", to=known.element(sx)), step], "b"))
    made = out.op("Conv", operands, "real", **_attributes(node))
    out.give("QuantizeLinear", [made, sy, zy], node.output[0])
    return out.nodes


def qlinear_matmul(node: onnx.NodeProto, known: Known) -> Sequence[onnx.NodeProto]:
    """A MatMul of the numbers that are meant, quantised again."""
    a, sa, za, b, sb, zb, sy, zy = node.input
    out = Emitter(node, known)
    left, right = _meant(out, a, sa, za, -2, "a"), _meant(out, b, sb, zb, -1, "b")
    out.give("QuantizeLinear", [out.op("MatMul", [left, right], "real"), sy, zy], node.output[0])
    return out.nodes


def _meant(out: Emitter, name: str, scale: str, zero: str, axis: int, role: str) -> str:
    """The numbers behind stored ones, whose scale is one, or one along an axis (which old DequantizeLinear lacks)."""
    made = out.op("DequantizeLinear", [name, scale, zero], role)
    if prod(out.known.dims(scale) or ()) > 1:
        whole = out.nodes.pop()
        whole.attribute.append(helper.make_attribute("axis", axis))
        out.nodes += dequantize(whole, out.known)
    return made


def matmul_integer(node: onnx.NodeProto, known: Known) -> Sequence[onnx.NodeProto]:
    """Sums of products of integers, less their zero points; a zero point of a row of A, or of a column of B."""
    a, b, za, zb = (*node.input, "", "")[:4]
    depth = (known.dims(a) or (0,))[-1]
    return _sums(node, known, "MatMul", (a, za, [-1, 1]), (b, zb, [-1]), depth, {})


def conv_integer(node: onnx.NodeProto, known: Known) -> Sequence[onnx.NodeProto]:
    """Sums of products of integers, less their zero points; a zero point of an output channel of w."""
    x, w, zx, zw = (*node.input, "", "")[:4]
    dims = known.dims(w) or ()
    along = [-1, *[1] * (len(dims) - 1)]
    return _sums(node, known, "Conv", (x, zx, []), (w, zw, along), prod(dims[1:]), _attributes(node))


def _sums(
    node: onnx.NodeProto,
    known: Known,
    op_type: str,
    left: tuple[str, str, list[int]],
    right: tuple[str, str, list[int]],
    depth: int,
    attributes: Mapping[str, Any],
) -> Sequence[onnx.NodeProto]:
    """
    The product of two integer tensors, each with its zero point and the extents that this lies in.

    Floats hold each partial sum exactly: where `depth` products might be too many, the right operand is taken in two
    parts, of high and of low digits, and the sums are put together as integers.
    """
    out = Emitter(node, known)
    a, b = (_centred(out, *operand) for operand in (left, right))
    whole = onnx.TensorProto.INT32

    def product(by: str, role: str) -> str:
        return out.op("Cast", [out.op(op_type, [a, by], role, **attributes)], f"{role}_sums", to=whole)

    if depth * 255 * 255 <= EXACT:
        out.give("Cast", [out.op(op_type, [a, b], "product", **attributes)], node.output[0], to=whole)
        return out.nodes
    if depth * 255 * NIBBLE > EXACT:
        raise NotStatic(f"sums of {depth} products")
    digit = out.constant(NIBBLE, "digit", np.float32)
    high = out.op("Floor", [out.op("Div", [b, digit], "shifted")], "high")
    low = out.op("Sub", [b, out.op("Mul", [high, digit], "head")], "low")
    raised = out.op("Mul", [product(high, "high"), out.constant(NIBBLE, "weight", np.int32)], "raised")
    out.give("Add", [raised, product(low, "low")], node.output[0])
    return out.nodes


def _centred(out: Emitter, name: str, zero: str, along: Sequence[int]) -> str:
    """The integers less their zero point, as floats."""
    made = out.op("Cast", [name], "real", to=onnx.TensorProto.FLOAT)
    if not zero or _is_nothing(out, zero):
        return made
    away = _real(out, zero, "zero")
    if len(out.known.dims(zero) or ()) == 1 and prod(out.known.dims(zero) or ()) > 1:
        away = out.reshaped(away, along, "zeros")
    elif out.known.dims(zero):
        away = out.reshaped(away, [], "zero")
    return out.op("Sub", [made, away], "centred")


def _spread(out: Emitter, name: str, x: str, given: Mapping[str, Any], role: str) -> str:
    """A scale or zero point in extents that broadcast over `x`: one, one along the axis, or one a block."""
    own, dims = _extents(out, name), out.known.dims(x)
    if own is None or dims is None:
        raise NotStatic(f"the extents of {name!r} or {x!r} aren't known")
    if prod(own) == 1:
        return out.reshaped(name, [], role) if own else name
    axis = int(given.get("axis", 1)) % len(dims)
    if len(own) == 1:
        return out.reshaped(name, [dims[axis] if i == axis else 1 for i in range(len(dims))], role)
    if own == dims:
        return name
    block = int(given.get("block_size", 0)) or -(-dims[axis] // own[axis])
    column = out.unsqueezed(name, axis + 1, f"{role}_column")
    wide = out.constant([*own[: axis + 1], block, *own[axis + 1 :]], f"{role}_blocks", np.int64)
    rows = out.op("Expand", [column, wide], f"{role}_rows")
    made = out.reshaped(rows, [*own[:axis], own[axis] * block, *own[axis + 1 :]], f"{role}_spread")
    return made if own[axis] * block == dims[axis] else out.cut(made, axis, 0, dims[axis], f"{role}_cut")


def _extents(out: Emitter, name: str) -> tuple[int, ...] | None:
    """The extents of an operand, also behind the Cast of `_real`."""
    casts = {node.output[0]: node.input[0] for node in out.nodes if node.op_type == "Cast"}
    return out.known.dims(casts.get(name, name))


def _real(out: Emitter, name: str, role: str) -> str:
    return out.op("Cast", [name], role, to=helper.np_dtype_to_tensor_dtype(_float(out)))


def _float(out: Emitter) -> np.dtype[Any]:
    return out.kind if out.kind.kind == "f" else np.dtype(np.float32)


def _is_nothing(out: Emitter, zero: str) -> bool:
    value = out.value(zero)
    return value is not None and not value.any()


def _integers(kind: int) -> np.iinfo[Any]:
    held = helper.tensor_dtype_to_np_dtype(kind)
    if held.kind not in "iu" or held.itemsize > 2:
        raise NotStatic(f"steps held as {held.name}")
    return np.iinfo(held)


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


QUANTISED: Mapping[str, Callable[[onnx.NodeProto, Known], Sequence[onnx.NodeProto]]] = {
    "QuantizeLinear": quantize,
    "DequantizeLinear": dequantize,
    "QLinearConv": qlinear_conv,
    "QLinearMatMul": qlinear_matmul,
    "MatMulInteger": matmul_integer,
    "ConvInteger": conv_integer,
}
"""What each op comes to."""
