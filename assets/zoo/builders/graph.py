"""Writing an ONNX graph node by node, each result called after its node."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

IR_VERSION = 8


class Graph:
    """Nodes, and the constants that they use."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """A constant's name; one that is there already stays."""
        self._constants.setdefault(name, numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, kind: str, inputs: Sequence[str], name: str, outputs: int = 1, **attributes: Any) -> str:
        """A node's last result, called `name`; those before it aren't used."""
        unused = [f"{name}_{place}" for place in range(outputs - 1)]
        self._nodes.append(helper.make_node(kind, list(inputs), [*unused, name], name=name, **attributes))
        return name

    def split(self, x: str, sizes: str, names: Sequence[str], **attributes: Any) -> Sequence[str]:
        """A Split's results, called `names`."""
        self._nodes.append(helper.make_node("Split", [x, sizes], names, name=f"{x}.split", **attributes))
        return names

    def model(
        self, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto], name: str, opset: int
    ) -> onnx.ModelProto:
        """The checked model."""
        graph = helper.make_graph(self._nodes, name, inputs, outputs, list(self._constants.values()))
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=IR_VERSION)
        onnx.checker.check_model(made, full_check=True)
        return made
