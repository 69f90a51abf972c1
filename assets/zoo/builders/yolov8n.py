"""
The topology of YOLOv8's smallest detector at 640×640, weights seeded, batch normalisation folded.

A backbone of stride-2 convolutions and split-and-join blocks, pyramid pooling, a path up and a path down, and for each
of three strides a head of box distributions (16 bins a side) and class scores.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from assets.zoo.builders.seeded import RESIDUAL_SCALE, Layers

Floats = NDArray[np.floating]

SEED, SIDE, CLASSES, BINS = 4, 640, 80, 16
STRIDES = (8, 16, 32)

LOGISTIC_GAIN = 1.186
"""By how much He's deviation is too small where x · logistic(x) follows: √(1 ÷ 2E), E = 0.3557 its mean square."""

CELLS = sum((SIDE // stride) ** 2 for stride in STRIDES)


def model() -> onnx.ModelProto:
    """Input `images` (1, 3, 640, 640); output `detections` (1, 84, 8400): box centre and size in pixels, scores."""
    layers = Layers(SEED)
    graph = layers.graph
    x = _conv(layers, "images", "stem0", 3, 16, 3, 2)
    x = _conv(layers, x, "stem1", 16, 32, 3, 2)
    x = _join(layers, x, "stage1", 32, 32, 1, residual=True)
    eighth = _join(layers, _conv(layers, x, "down1", 32, 64, 3, 2), "stage2", 64, 64, 2, residual=True)
    sixteenth = _join(layers, _conv(layers, eighth, "down2", 64, 128, 3, 2), "stage3", 128, 128, 2, residual=True)
    x = _join(layers, _conv(layers, sixteenth, "down3", 128, 256, 3, 2), "stage4", 256, 256, 1, residual=True)
    deep = _pyramid(layers, x)
    x = graph.add("Concat", [_twice(layers, deep, "up0"), sixteenth], "joined0", axis=1)
    middle = _join(layers, x, "top0", 384, 128, 1)
    x = graph.add("Concat", [_twice(layers, middle, "up1"), eighth], "joined1", axis=1)
    small = _join(layers, x, "top1", 192, 64, 1)
    x = graph.add("Concat", [_conv(layers, small, "down4", 64, 64, 3, 2), middle], "joined2", axis=1)
    medium = _join(layers, x, "bottom0", 192, 128, 1)
    x = graph.add("Concat", [_conv(layers, medium, "down5", 128, 128, 3, 2), deep], "joined3", axis=1)
    large = _join(layers, x, "bottom1", 384, 256, 1)
    _detections(layers, [_head(layers, y, f"head{i}", c) for i, (y, c) in enumerate(_scales(small, medium, large))])
    given = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    made = helper.make_tensor_value_info("detections", TensorProto.FLOAT, [1, 4 + CLASSES, CELLS])
    return graph.model([given], [made], "yolov8n", 17)


def _scales(small: str, medium: str, large: str) -> tuple[tuple[str, int], ...]:
    return (small, 64), (medium, 128), (large, 256)


def _conv(layers: Layers, x: str, name: str, channels: int, out: int, kernel: int, stride: int = 1) -> str:
    """A convolution, times its own logistic."""
    made = layers.conv(x, name, channels, out, kernel, stride, scale=LOGISTIC_GAIN)
    return layers.graph.add("Mul", [made, layers.graph.add("Sigmoid", [made], f"{name}.logistic")], f"{name}.silu")


def _join(layers: Layers, x: str, name: str, channels: int, out: int, blocks: int, residual: bool = False) -> str:
    """Half of the channels go on through pairs of 3×3 filters; all halves on the way are joined at the end."""
    graph, half = layers.graph, out // 2
    x = _conv(layers, x, f"{name}.enter", channels, out, 1)
    sizes = graph.constant(f"{name}.halves", np.array([half, half], np.int64))
    parts = list(graph.split(x, sizes, [f"{name}.left", f"{name}.right"], axis=1))
    for block in range(blocks):
        inner = _conv(layers, parts[-1], f"{name}.block{block}.a", half, half, 3)
        inner = _conv(layers, inner, f"{name}.block{block}.b", half, half, 3)
        parts.append(graph.add("Add", [parts[-1], inner], f"{name}.block{block}.sum") if residual else inner)
    joined = graph.add("Concat", parts, f"{name}.joined", axis=1)
    return _conv(layers, joined, f"{name}.leave", (2 + blocks) * half, out, 1)


def _pyramid(layers: Layers, x: str) -> str:
    """Maxima of 5×5, three in a row, joined with what they are taken of."""
    graph, parts = layers.graph, [_conv(layers, x, "pyramid.enter", 256, 128, 1)]
    window: dict[str, Any] = {"kernel_shape": [5, 5], "strides": [1, 1], "pads": [2] * 4}
    for i in range(3):
        parts.append(graph.add("MaxPool", [parts[-1]], f"pyramid.pool{i}", **window))
    return _conv(layers, graph.add("Concat", parts, "pyramid.joined", axis=1), "pyramid.leave", 512, 256, 1)


def _twice(layers: Layers, x: str, name: str) -> str:
    """Every pixel four times."""
    scales = layers.graph.constant("twice", np.array([1, 1, 2, 2], np.float32))
    attributes: dict[str, Any] = {
        "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    }
    return layers.graph.add("Resize", [x, "", scales], name, **attributes)


def _head(layers: Layers, x: str, name: str, channels: int) -> str:
    """Distributions of the four sides and class scores of each cell, (1, 144, cells)."""
    boxes = _conv(layers, _conv(layers, x, f"{name}.box0", channels, 64, 3), f"{name}.box1", 64, 64, 3)
    boxes = layers.conv(boxes, f"{name}.box2", 64, 4 * BINS, 1, scale=RESIDUAL_SCALE)
    scores = _conv(layers, _conv(layers, x, f"{name}.class0", channels, 80, 3), f"{name}.class1", 80, 80, 3)
    scores = layers.conv(scores, f"{name}.class2", 80, CLASSES, 1)
    joined = layers.graph.add("Concat", [boxes, scores], f"{name}.joined", axis=1)
    flat = layers.graph.constant("flat", np.array([1, 4 * BINS + CLASSES, -1], np.int64))
    return layers.graph.add("Reshape", [joined, flat], f"{name}.cells")


def _detections(layers: Layers, heads: list[str]) -> None:
    """Means of the distributions, from them the boxes around each cell's centre, in pixels; logistic scores."""
    graph = layers.graph
    cells = graph.add("Concat", heads, "cells", axis=2)
    sizes = graph.constant("kinds", np.array([4 * BINS, CLASSES], np.int64))
    sides, scores = graph.split(cells, sizes, ["sides", "scores"], axis=1)
    bins = graph.add("Reshape", [sides, graph.constant("bins", np.array([1, 4, BINS, CELLS], np.int64))], "sides.bins")
    likely = graph.add("Softmax", [graph.add("Transpose", [bins], "sides.turned", perm=[0, 2, 1, 3])], "likely", axis=1)
    means = graph.constant("means", np.arange(BINS, dtype=np.float32).reshape(1, BINS, 1, 1))
    axes = graph.constant("axes", np.array([1], np.int64))
    distances = graph.add("ReduceSum", [graph.add("Mul", [likely, means], "weighted"), axes], "distances", keepdims=0)
    pairs = graph.constant("pairs", np.array([2, 2], np.int64))
    before, after = graph.split(distances, pairs, ["before", "after"], axis=1)
    centres, strides = _cells()
    centre = graph.constant("centres", centres)
    first = graph.add("Sub", [centre, before], "first")
    last = graph.add("Add", [centre, after], "last")
    half = graph.constant("half", np.array(0.5, np.float32))
    middle = graph.add("Mul", [graph.add("Add", [first, last], "both"), half], "middle")
    size = graph.add("Sub", [last, first], "size")
    boxes = graph.add("Concat", [middle, size], "boxes", axis=1)
    pixels = graph.add("Mul", [boxes, graph.constant("strides", strides)], "pixels")
    graph.add("Concat", [pixels, graph.add("Sigmoid", [scores], "likelihoods")], "detections", axis=1)


def _cells() -> tuple[Floats, Floats]:
    """Centres (1, 2, cells) in units of the stride, and strides (1, 1, cells)."""
    centres, strides = list[Floats](), list[Floats]()
    for stride in STRIDES:
        count = SIDE // stride
        y, x = np.meshgrid(np.arange(count) + 0.5, np.arange(count) + 0.5, indexing="ij")
        centres.append(np.stack([x.ravel(), y.ravel()]))
        strides.append(np.full(count**2, stride))
    return np.concatenate(centres, 1)[None].astype(np.float32), np.concatenate(strides)[None, None].astype(np.float32)
