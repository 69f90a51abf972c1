"""
`fuse_preprocess`: a model that takes raw pixels, with what the host would do to them before its first node.

The nodes do the same arithmetic in the same order as the host, so float results are the same bits. Pixels are moved
while they are bytes. What is done by channel isn't folded into the first convolution: most of those pad, with zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from compiler.frontends.onnx.errors import WrongShape

TYPES = {"float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8}


def raw_name(name: str) -> str:
    """What the input is called that takes raw pixels in the place of input `name`."""
    return f"{name}_raw"


def take_raw(model: onnx.ModelProto, shapes: Mapping[str, Sequence[int]], how: Mapping[str, Any]) -> onnx.ModelProto:
    """
    A copy of the model whose input `how["input"]` is replaced by raw pixels, red first, in 0..255.

    `how` has `divisor`, `mean`, `std`, `colour` and `layout` as the model's own input wants them (see the zoo's
    records), and `raw`: `layout` and `dtype` of the new one. `shapes` has the extents of the old one. Raises
    WrongShape.
    """
    name = str(how["input"])
    extents = list(shapes.get(name, ()))
    if len(extents) != 4 or name not in {value.name for value in model.graph.input}:
        raise WrongShape(f"fuse_preprocess needs an input of pictures, [n, c, h, w]; {name!r} is {extents}")
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    steps, channels = _Steps(raw_name(name), model), _axis(how["layout"])
    steps.turn(how["raw"]["layout"], how["layout"])
    if how["colour"] == "bgr":
        steps.add("Gather", np.array([2, 1, 0], np.int64), axis=channels)
    steps.cast(how["raw"]["dtype"])
    if how["divisor"] != 1:
        steps.add("Div", np.array(how["divisor"], np.float32))
    for kind, numbers, nothing in (("Sub", how["mean"], 0), ("Div", how["std"], 1)):
        if any(number != nothing for number in numbers):
            steps.add(kind, np.array(numbers, np.float32).reshape((-1, 1, 1) if channels == 1 else (-1,)))
    steps.end(name)
    kept = [value for value in graph.input if value.name != name]
    old = next(value for value in graph.input if value.name == name)
    new = helper.make_tensor_value_info(
        raw_name(name), TYPES[how["raw"]["dtype"]], _turned(extents, how["layout"], how["raw"]["layout"])
    )
    place = list(graph.input).index(old)
    del graph.input[:]
    graph.input.extend([*kept[:place], new, *kept[place:]])
    nodes = [*steps.nodes, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(steps.constants)
    return made


def bound(shapes: Mapping[str, Sequence[int]], how: Mapping[str, Any]) -> dict[str, Sequence[int]]:
    """`shapes` with the raw input in the place of the one it stands for."""
    name, raw = str(how["input"]), how["raw"]["layout"]
    return {
        (raw_name(name) if key == name else key): (_turned(extents, how["layout"], raw) if key == name else extents)
        for key, extents in shapes.items()
    }


class _Steps:
    """Nodes one after the other, from the raw input on."""

    def __init__(self, name: str, model: onnx.ModelProto) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._last = name
        self._name = name

    def add(self, kind: str, constant: np.ndarray[Any, Any] | None = None, **attributes: Any) -> None:
        """A node on the last one's result, and a constant if there is one."""
        name = f"{self._name}_{len(self.nodes)}"
        inputs = [self._last]
        if constant is not None:
            self.constants.append(numpy_helper.from_array(constant, f"{name}_constant"))
            inputs.append(f"{name}_constant")
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        self._last = name

    def cast(self, dtype: str) -> None:
        """To float32, from anything else."""
        if dtype != "float32":
            self.add("Cast", to=TensorProto.FLOAT)

    def turn(self, layout: str, wanted: str) -> None:
        """From one layout to another."""
        if layout != wanted:
            self.add("Transpose", perm=[0, 3, 1, 2] if wanted == "nchw" else [0, 2, 3, 1])

    def end(self, name: str) -> None:
        """The last result is called as the input was."""
        if not self.nodes:
            self.add("Identity")
        self.nodes[-1].output[0] = name


def _axis(layout: str) -> int:
    return 1 if layout == "nchw" else 3


def _turned(extents: Sequence[int], layout: str, wanted: str) -> list[int]:
    """Extents of one layout in another."""
    if layout == wanted:
        return list(extents)
    n, *rest = extents
    return [n, *rest[1:], rest[0]] if wanted == "nhwc" else [n, rest[-1], *rest[:-1]]
