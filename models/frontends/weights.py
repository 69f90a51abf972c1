"""The committed ResNet-8's weights by name, for the same net in other frameworks."""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

RESNET8 = Path(__file__).parents[1] / "resnet8.onnx"

BLOCKS = ((16, 1), (32, 2), (64, 2))
"""Channels and stride of each residual block."""

NORMALISATION = ("weight", "bias", "running_mean", "running_var")
EPSILON = 1e-5


def weights() -> dict[str, np.ndarray]:
    """Every parameter; the export wrote those that are equal once."""
    graph = onnx.load_model(RESNET8).graph
    held = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    alike = {node.output[0]: held[node.input[0]] for node in graph.node if node.op_type == "Identity"}
    return {name: array.copy() for name, array in (held | alike).items()}
