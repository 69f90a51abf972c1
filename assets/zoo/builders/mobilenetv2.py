"""MobileNetV2 at 224×224, width 1 (Sandler et al., 2018, table 2), weights seeded, batch normalisation folded."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from assets.zoo.builders.seeded import RESIDUAL_SCALE, Layers

SEED = 3
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks and the first block's stride."""

STEM, LAST, CLASSES = 32, 1280, 1000


def model() -> onnx.ModelProto:
    """Input `input` (1, 3, 224, 224); output `logits` (1, 1000)."""
    layers = Layers(SEED)
    x, channels = _clipped(layers, layers.conv("input", "stem", 3, STEM, 3, 2)), STEM
    for stage, (expansion, out, blocks, stride) in enumerate(STAGES):
        for block in range(blocks):
            step = stride if block == 0 else 1
            x = _block(layers, x, f"block{stage}_{block}", channels, out, expansion, step)
            channels = out
    x = _clipped(layers, layers.conv(x, "last", channels, LAST, 1))
    x = layers.graph.add("GlobalAveragePool", [x], "pool")
    layers.linear(layers.graph.add("Flatten", [x], "features"), "logits", LAST, CLASSES)
    given = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 224, 224])
    made = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, CLASSES])
    return layers.graph.model([given], [made], "mobilenetv2", 17)


def _block(layers: Layers, x: str, name: str, channels: int, out: int, expansion: int, stride: int) -> str:
    """Expand, filter each channel, project; the input added where nothing changes its shape."""
    wide, same = channels * expansion, stride == 1 and channels == out
    inner = x
    if expansion > 1:
        inner = _clipped(layers, layers.conv(inner, f"{name}.expand", channels, wide, 1))
    inner = _clipped(layers, layers.conv(inner, f"{name}.depthwise", wide, wide, 3, stride, group=wide))
    inner = layers.conv(inner, f"{name}.project", wide, out, 1, scale=RESIDUAL_SCALE if same else 1)
    return layers.graph.add("Add", [x, inner], f"{name}.sum") if same else inner


def _clipped(layers: Layers, x: str) -> str:
    low, high = (layers.graph.constant(name, np.array(value, np.float32)) for name, value in (("zero", 0), ("six", 6)))
    return layers.graph.add("Clip", [x, low, high], f"{x}.relu6")
