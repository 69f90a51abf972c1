"""Elementwise ops of ONNX that have another name in Top, or other attributes."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper
from xdsl.dialects.builtin import IntegerType, StringAttr, i1

from compiler.dialects.top import ops as top
from compiler.dialects.top.comparison import MODES
from compiler.frontends.onnx.to_top.convert import converts
from compiler.frontends.onnx.to_top.reader import Reader, Unsupported, flag, real
from compiler.ir.storage import element_of

RENAMED: dict[str, type[top.TopOp]] = {
    "And": top.LogicalAndOp, "Or": top.LogicalOrOp, "Xor": top.LogicalXorOp, "Not": top.LogicalNotOp,
    "Tan": top.TanOp, "Asin": top.ArcsinOp, "Acos": top.ArccosOp, "Atan": top.ArctanOp,
    "Asinh": top.ArcsinhOp, "Acosh": top.ArccoshOp, "Atanh": top.ArctanhOp, "Where": top.WhereOp,
}  # fmt: skip
"""Ops without attributes, by what Top calls them."""


EXACT = [element_of(np.dtype(kind)) for kind in ("bool", "int8", "uint8", "int16", "uint16", "int32")]
"""Integers that the chip's integers are exact for."""


@converts(*RENAMED)
def renamed(reader: Reader, node: onnx.NodeProto) -> None:
    reader.add(node, RENAMED[node.op_type], node.input, {})


@converts(*MODES)
def compare(reader: Reader, node: onnx.NodeProto) -> None:
    reader.add(node, top.CompareOp, node.input, {"mode": StringAttr(node.op_type)})


@converts("Mod")
def modulo(reader: Reader, node: onnx.NodeProto) -> None:
    reader.add(node, top.ModOp, node.input, {"fmod": flag(bool(reader.attributes(node)["fmod"]))})


@converts("IsInf")
def is_infinite(reader: Reader, node: onnx.NodeProto) -> None:
    given = reader.attributes(node)
    signs = {name: flag(bool(given[name])) for name in ("detect_negative", "detect_positive")}
    reader.add(node, top.IsInfOp, node.input, signs)


@converts("Cast", "CastLike")
def cast(reader: Reader, node: onnx.NodeProto) -> None:
    """Between floats nothing changes: their format is the mode's business. What isn't read needn't be there."""
    made, given = reader.element(node.output[0]), reader.element(node.input[0])
    reader.add(node, top.IdentityOp if made == given else top.CastOp, node.input[:1], {})


@converts("BitCast")
def bit_cast(reader: Reader, node: onnx.NodeProto) -> None:
    """Integers of one width wrap into each other; a float's bits are the host's business."""
    to = next(attribute.i for attribute in node.attribute if attribute.name == "to")
    given, made = reader.element(node.input[0]), element_of(helper.tensor_dtype_to_np_dtype(to))
    if given not in EXACT or not isinstance(made, IntegerType) or made == i1:
        raise Unsupported(f"the bits of {given} as {made}; those of integers of up to 16 bits, and of si32, run")
    reader.add(node, top.CastOp, node.input, {})


@converts("Pow")
def power(reader: Reader, node: onnx.NodeProto) -> None:
    """To a constant power of a few factors, or 0.5, by these; else to that of the second operand."""
    base, exponent = node.input
    known = reader.network.weights.get(exponent)
    few = known is not None and known.size == 1 and float(known.item()) in (0.5, *range(1, 9))
    whole = isinstance(reader.element(base), IntegerType)
    if known is not None and few and len(known.shape) <= len(reader.shape(base)) and not whole:
        reader.add(node, top.PowOp, [base], {"exponent": real(float(known.item()))})
    else:
        reader.add(node, top.Pow3Op, [base, exponent], {})
