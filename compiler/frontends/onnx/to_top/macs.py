"""How many multiply-accumulates ONNX nodes ask for: a measure of what the host runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isqrt, prod

import onnx
from onnx import shape_inference

Shape = tuple[int, ...]

COUNTS: Mapping[str, Callable[[Shape, Shape, Shape], int]] = {
    "Conv": lambda x, w, y: prod(y) * prod(w[1:]),
    "ConvTranspose": lambda x, w, y: prod(x) * prod(w[1:]),
    # Each of its three sizes stands in two of the three matrices.
    "Gemm": lambda x, w, y: isqrt(prod(x) * prod(w) * prod(y)),
    "MatMul": lambda x, w, y: prod(y) * x[-1],
}
"""By op type, of the extents of two operands and the result."""


def macs(model: onnx.ModelProto) -> int:
    """Multiply-accumulates of a model's convolutions and matrix products, those of unknown extents apart."""
    graph = shape_inference.infer_shapes(model).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        dims = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in dims):
            shapes[value.name] = tuple(dim.dim_value for dim in dims)
    total = 0
    for node in graph.node:
        names = [*node.input[:2], node.output[0]]
        if node.op_type in COUNTS and all(name in shapes for name in names):
            x, w, y = (shapes[name] for name in names)
            total += COUNTS[node.op_type](x, w, y)
    return total
