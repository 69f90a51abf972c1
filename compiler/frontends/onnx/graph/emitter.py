"""ONNX nodes in the making, in the opset of the model that they are for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper

from compiler.frontends.onnx.graph.control import cut, label, squeezed, unsqueezed
from compiler.frontends.onnx.graph.fold import Array, Known


class Emitter:
    """`nodes` so far, in the place of `node`, after which inner tensors are named."""

    def __init__(self, node: onnx.NodeProto, known: Known) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.known = known
        self._label = label(node)
        self.kind = self.numpy_type(node.input[0])
        """Numpy's type of the elements of the node's first operand."""

    def fresh(self, role: str) -> str:
        """A name for an inner tensor."""
        return self.known.fresh(f"{self._label}_{role}")

    def constant(self, value: Any, role: str, kind: Any = None) -> str:
        """A constant of this numpy type; its name."""
        return self.known.constant(np.asarray(value, kind), f"{self._label}_{role}")

    def op(self, op_type: str, inputs: Sequence[str], role: str, **attributes: Any) -> str:
        """Append a node; the name of what it makes."""
        made = self.fresh(role)
        self.nodes.append(helper.make_node(op_type, inputs, [made], **attributes))
        return made

    def give(self, op_type: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        """Append the node that makes an output that already has a name."""
        self.nodes.append(helper.make_node(op_type, inputs, [output], output, **attributes))

    def cut(self, name: str, axis: int, start: int, end: int, role: str) -> str:
        """A tensor from `start` to `end` along an axis."""
        self.nodes.append(cut(name, axis, start, end, made := self.fresh(role), self.known))
        return made

    def squeezed(self, name: str, axis: int, role: str) -> str:
        """A tensor without an axis of extent 1."""
        self.nodes.append(squeezed(name, axis, made := self.fresh(role), self.known))
        return made

    def unsqueezed(self, name: str, axis: int, role: str) -> str:
        """A tensor with one more axis."""
        self.nodes.append(unsqueezed(name, axis, made := self.fresh(role), self.known))
        return made

    def reshaped(self, name: str, extents: Sequence[int], role: str) -> str:
        """A tensor under other extents."""
        return self.op("Reshape", [name, self.constant(extents, f"{role}_extents", np.int64)], role)

    def clipped(self, name: str, low: float, high: float, role: str) -> str:
        """A tensor's numbers between two bounds."""
        if self.known.opset < 11:
            return self.op("Clip", [name], role, min=low, max=high)
        kind = self.numpy_type(name)
        return self.op("Clip", [name, *(self.constant(n, f"{role}_bound", kind) for n in (low, high))], role)

    def numpy_type(self, name: str) -> np.dtype[Any]:
        """Numpy's type of a tensor's elements; float32 of one that isn't known yet."""
        kind = self.known.element(name)
        return np.dtype(np.float32) if kind is None else helper.tensor_dtype_to_np_dtype(kind)

    def value(self, name: str) -> Array | None:
        """What a constant is, None of anything else."""
        return self.known.constants.get(name)
