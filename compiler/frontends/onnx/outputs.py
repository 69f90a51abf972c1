"""What onnxruntime says that a model's outputs are."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import TensorProto, helper

from compiler.frontends.onnx.session import ORT

ELEMENTS: Mapping[str, int] = {
    f"tensor({name})": kind
    for name, kind in {
        "float": TensorProto.FLOAT, "double": TensorProto.DOUBLE, "float16": TensorProto.FLOAT16,
        "bfloat16": TensorProto.BFLOAT16, "bool": TensorProto.BOOL, "string": TensorProto.STRING,
        **{f"{u}int{bits}": TensorProto.DataType.Value(f"{u}int{bits}".upper())
           for u in ("", "u") for bits in (8, 16, 32, 64)},
    }.items()
}  # fmt: skip
"""ONNX's element types by onnxruntime's names of tensors of them."""


def output_types(model: onnx.ModelProto) -> dict[str, onnx.TypeProto]:
    """
    The type of each output that is a tensor of `ELEMENTS`; an extent that depends on the data has no value.

    Raises onnxruntime's own exception for a model that it refuses.
    """
    options = ORT.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = ORT.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    types = dict[str, onnx.TypeProto]()
    for made in session.get_outputs():
        if made.type in ELEMENTS:
            dims = [dim if isinstance(dim, int) else None for dim in made.shape]
            types[str(made.name)] = helper.make_tensor_type_proto(ELEMENTS[made.type], dims)
    return types
