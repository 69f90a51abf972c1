"""A QuantizeLinear and the DequantizeLinear behind it are one op: rounding to the model's own steps."""

from __future__ import annotations

import numpy as np
import onnx

from compiler.dialects.fields import integer
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.convert import converts
from compiler.frontends.onnx.to_top.reader import Reader, Unsupported, real


@converts("DequantizeLinear")
def dequantize(reader: Reader, node: onnx.NodeProto) -> None:
    """Of what a QuantizeLinear with the same scale and zero point made, one each for the whole tensor."""
    maker = reader.makers.get(node.input[0])
    if maker is None or maker.op_type != "QuantizeLinear":
        raise Unsupported("nothing is quantised just before it")
    there, back = (_steps(reader, part) for part in (maker, node))
    if there is None or there != back:
        raise Unsupported("it has other steps than the QuantizeLinear before it, or steps of more than one size")
    scale, zero, kind = there
    held = np.iinfo(kind)
    given = {"zero_point": zero, "minimum": int(held.min), "maximum": int(held.max)}
    steps = {"scale": real(scale)} | {name: integer(value) for name, value in given.items()}
    reader.add(node, top.FakeQuantOp, maker.input[:1], steps)


def _steps(reader: Reader, node: onnx.NodeProto) -> tuple[float, int, str] | None:
    """Scale, zero point and numpy's name of the integers, where they are constant and the same for all elements."""
    scale, zero = (reader.constant(node, i) for i in (1, 2))
    if scale is None or scale.size != 1 or (zero is not None and zero.size != 1):
        return None
    stored = node.output[0] if node.op_type == "QuantizeLinear" else node.input[0]
    kind = onnx.helper.tensor_dtype_to_np_dtype(reader.types[stored].tensor_type.elem_type)
    if kind.kind not in "iu" or kind.itemsize > 2:
        return None
    return float(scale.item()), 0 if zero is None else int(zero.item()), kind.name
