"""The question that writing a network to ONNX asks of each Top op, and the graph that the answers put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from xdsl.ir import Operation

from compiler.dialects.top import ops as top
from compiler.ir.interface import Interface
from compiler.ir.network import name_of

OPSET = 20
IR_VERSION = 9


class Writer:
    """Nodes and constants of a graph under construction."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights = dict(weights)

    def emit(self, op_type: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Append a node; returns its output's name."""
        self.nodes.append(helper.make_node(op_type, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: object, dtype: type[np.generic] = np.int64) -> str:
        """Add a constant; returns its name."""
        self.weights[name] = np.array(value, dtype)
        return name

    def close(self, op: top.TopOp, last: Sequence[str], op_type: str, **attributes: Any) -> None:
        """Append the node that makes an op's result, and the Relu behind it that the op asks for."""
        name = name_of(op)
        if not (isinstance(op, top.Activated) and op.do_relu):
            self.emit(op_type, last, name, **attributes)
            return
        made = self.emit(op_type, last, before_relu(name), **attributes)
        self.rectify(made, op.relu_limit.value.data, name)

    def rectify(self, made: str, limit: float, name: str) -> None:
        """Append `min(max(made, 0), limit)`."""
        if limit > 0:
            bounds = [self.constant(f"{name}_{i}", bound, np.float32) for i, bound in enumerate((0.0, limit))]
            self.emit("Clip", [made, *bounds], name)
        else:
            self.emit("Relu", [made], name)


def before_relu(name: str) -> str:
    """The name of what goes into the Relu that makes `name`."""
    return f"{name}_before_relu"


@Interface
def nodes(op: Operation, out: Writer) -> None:
    """Append the ONNX nodes that compute `op` into a tensor of its name."""
    raise NotImplementedError


def operands_of(op: top.TopOp) -> list[str]:
    """The names of an op's operands, empty for one that isn't there."""
    return [name_of(value) if top.is_present(value) else "" for value in op.operands]
