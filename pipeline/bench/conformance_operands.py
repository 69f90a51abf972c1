"""Which operands of a case are parameters, which a network holds and no layer computes: they are bound as constants."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from pipeline.bench.conformance_suite import Array, fed

REDUCTIONS = ("Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum", "LogSumExp")
SHAPES: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys([f"Reduce{name}" for name in REDUCTIONS], (1,)),
    "Reshape": (1,), "Expand": (1,), "Tile": (1,), "Squeeze": (1,), "Unsqueeze": (1,), "Split": (1,), "TopK": (1,),
    "Pad": (1, 2, 3), "Slice": (1, 2, 3, 4), "Resize": (1, 2, 3), "Upsample": (1,), "OneHot": (1, 2),
    "Range": (0, 1, 2), "ConstantOfShape": (0,), "CumSum": (1,), "CumProd": (1,), "Trilu": (1,), "Clip": (1, 2),
    "Dropout": (1, 2), "Col2Im": (1, 2), "AffineGrid": (1,), "CenterCropPad": (1,), "MaxUnpool": (2,),
}  # fmt: skip
"""By op type, operands that say how large something is or which part of it is meant."""

WEIGHTS: Mapping[str, tuple[int, ...]] = {
    "Conv": (1, 2), "ConvTranspose": (1, 2), "DeformConv": (1, 3), "BatchNormalization": (1, 2, 3, 4),
    "InstanceNormalization": (1, 2), "LayerNormalization": (1, 2), "GroupNormalization": (1, 2),
    "RMSNormalization": (1,), "RNN": (1, 2, 3, 4), "GRU": (1, 2, 3, 4), "LSTM": (1, 2, 3, 4, 7),
    "QuantizeLinear": (1, 2), "DequantizeLinear": (1, 2), "ConvInteger": (1, 2, 3), "MatMulInteger": (2, 3),
    "QLinearConv": (1, 2, 3, 4, 5, 6, 7, 8), "QLinearMatMul": (1, 2, 4, 5, 6, 7),
}  # fmt: skip
"""By op type, trained weights, and the scales and zero points of quantised tensors."""


def specialised(model: onnx.ModelProto, inputs: Sequence[Any]) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """
    The model with the inputs that are parameters bound to a sample's values, and the other inputs to feed.

    An input that some node reads as data stays one.
    """
    names = [value.name for value in fed(model)]
    values = {name: np.asarray(value) for name, value in zip(names, inputs, strict=False) if value is not None}
    bound = values.keys() & _parameters(model.graph)
    made = onnx.ModelProto()
    made.CopyFrom(model)
    kept = [value for value in made.graph.input if value.name not in bound]
    del made.graph.input[:]
    made.graph.input.extend(kept)
    made.graph.initializer.extend(numpy_helper.from_array(values[name], name) for name in names if name in bound)
    return made, {name: value for name, value in values.items() if name not in bound}


def _parameters(graph: onnx.GraphProto) -> set[str]:
    """Names that nodes read as parameters, and none as data."""
    roles = dict[str, set[bool]]()
    for node in graph.node:
        places = (*SHAPES.get(node.op_type, ()), *WEIGHTS.get(node.op_type, ()))
        for i, name in enumerate(node.input):
            roles.setdefault(name, set()).add(i in places)
    returned = {value.name for value in graph.output}
    return {name for name, told in roles.items() if told == {True}} - returned
