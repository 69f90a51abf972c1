"""Small ONNX graphs: a builder, and a hypothesis strategy that draws chains of the layers networks are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[Any]


class Graph:
    """An ONNX graph in the making. `top` is the last tensor, `dims` its extents."""

    def __init__(self, dims: Sequence[int], opset: int = 17, seed: int = 0) -> None:
        self.opset = opset
        self.rng = np.random.default_rng(seed)
        self.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(dims))]
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.top, self.dims = "x", tuple(dims)

    def constant(self, array: Array | Sequence[int] | float, as_node: bool = False) -> str:
        """A constant, as an initializer or as a Constant node; Python integers are int64, floats float32."""
        value = np.asarray(array)
        value = value.astype(np.int64 if value.dtype.kind == "i" else np.float32)
        name = f"k{len(self.initializers) + len(self.nodes)}"
        if as_node:
            self.nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value)))
        else:
            self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def normal(self, *dims: int, scale: float = 1.0) -> str:
        """A constant of seeded normal numbers."""
        return self.constant(self.rng.normal(0, scale, dims).astype(np.float32))

    def add(self, op_type: str, *inputs: str, dims: Sequence[int] | None = None, **attributes: Any) -> str:
        """Append a node; it becomes the top. `dims` are its extents if they change."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs or [self.top], [name], f"n{len(self.nodes)}", **attributes))
        self.top, self.dims = name, self.dims if dims is None else tuple(dims)
        return name

    def model(self) -> onnx.ModelProto:
        """The model whose output is the top."""
        output = helper.make_tensor_value_info(self.top, TensorProto.FLOAT, list(self.dims))
        graph = helper.make_graph(self.nodes, "drawn", self.inputs, [output], self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)


Layer = Callable[[Graph, st.DataObject], None]


def conv(g: Graph, data: st.DataObject) -> None:
    n, c, h, w = g.dims
    k, s, d = (data.draw(st.integers(1, 3)) for _ in range(3))
    group = data.draw(st.sampled_from([1, c]))
    pads = data.draw(st.lists(st.integers(0, 2), min_size=4, max_size=4))
    reach = d * (k - 1) + 1
    oh, ow = (h + pads[0] + pads[2] - reach) // s + 1, (w + pads[1] + pads[3] - reach) // s + 1
    if oh < 1 or ow < 1:
        return
    oc = c * data.draw(st.integers(1, 2)) if group == c else data.draw(st.integers(1, 4))
    weights = [g.normal(oc, c // group, k, k, scale=0.5)]
    weights += [g.normal(oc)] if data.draw(st.booleans()) else []
    window = {"strides": [s, s], "pads": pads, "dilations": [d, d], "group": group}
    g.add("Conv", g.top, *weights, dims=(n, oc, oh, ow), **window)


def pool(g: Graph, data: st.DataObject) -> None:
    n, c, h, w = g.dims
    k, s, p = data.draw(st.sampled_from([(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 1, 0)]))
    if min(h, w) + 2 * p < k:
        return
    kind = data.draw(st.sampled_from(["MaxPool", "AveragePool"]))
    ceil = data.draw(st.booleans())
    counted = {"count_include_pad": data.draw(st.integers(0, 1))} if kind == "AveragePool" and not ceil else {}
    window = {"kernel_shape": [k, k], "strides": [s, s], "pads": [p] * 4, "ceil_mode": int(ceil)}
    oh, ow = (_pooled(extent, k, s, p, ceil) for extent in (h, w))
    g.add(kind, dims=(n, c, oh, ow), **window, **counted)


def _pooled(extent: int, kernel: int, stride: int, pad: int, ceil: bool) -> int:
    """ONNX's rule; with `ceil` a last window that would start in the padding is left out."""
    span = extent + 2 * pad - kernel
    count = (-(-span // stride) if ceil else span // stride) + 1
    return count - 1 if ceil and (count - 1) * stride >= extent + pad else count


def batch_norm(g: Graph, data: st.DataObject) -> None:
    c = g.dims[1]
    variance = g.constant(g.rng.uniform(0.5, 2, c))
    g.add("BatchNormalization", g.top, g.normal(c), g.normal(c), g.normal(c), variance, epsilon=1e-3)


def activation(g: Graph, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(
        ["Relu", "Sigmoid", "HardSigmoid", "LeakyRelu", "Elu", "Tanh", "Softplus", "Softsign", "Erf", "Abs"]
    ))  # fmt: skip
    g.add(kind)


def relu6(g: Graph, data: st.DataObject) -> None:
    g.add("Clip", g.top, g.constant(0.0, data.draw(st.booleans())), g.constant(6.0))


def hard_swish(g: Graph, data: st.DataObject) -> None:
    x, sixth = g.top, data.draw(st.sampled_from(["after", "gate", "factor"]))
    g.add("Add", x, g.constant(3.0, True))
    gate = g.add("Clip", g.top, g.constant(0.0), g.constant(6.0))
    if sixth == "after":
        g.add("Mul", x, gate)
        g.add("Div", g.top, g.constant(6.0))
    elif sixth == "gate":
        gate = g.add("Div", gate, g.constant(6.0))
        g.add("Mul", gate, x)
    else:
        gate = g.add("Mul", gate, g.constant(1 / 6))
        g.add("Mul", x, gate)


def gate(g: Graph, data: st.DataObject) -> None:
    """Squeeze and excitation."""
    dims, x = g.dims, g.top
    n, c, *_ = dims
    if data.draw(st.booleans()):
        g.add("GlobalAveragePool", dims=(n, c, 1, 1))
    else:
        g.add("ReduceMean", axes=[2, 3], keepdims=1, dims=(n, c, 1, 1))
    g.add("Conv", g.top, g.normal(c, c, 1, 1), dims=(n, c, 1, 1))
    g.add("Sigmoid")
    g.add("Mul", x, g.top, dims=dims)


def residual(g: Graph, data: st.DataObject) -> None:
    x, c = g.top, g.dims[1]
    g.add("Conv", x, g.normal(c, c, 3, 3, scale=0.3), pads=[1, 1, 1, 1])
    g.add(data.draw(st.sampled_from(["Add", "Sum", "Sub", "Max"])), x, g.top)


def arithmetic(g: Graph, data: st.DataObject) -> None:
    """A number, or one a channel, on either side."""
    c = g.dims[1]
    dims = data.draw(st.sampled_from([(), (1,), (c, 1, 1), (1, c, 1, 1)]))
    kind = data.draw(st.sampled_from(["Add", "Sub", "Mul", "Div", "Max", "Min"]))
    if kind == "Div":
        g.add("Add", g.add("Abs"), g.constant(1.0))
    constant = g.constant(g.rng.uniform(0.5, 2, dims))
    g.add(kind, *data.draw(st.permutations([g.top, constant])))


def pad(g: Graph, data: st.DataObject) -> None:
    n, c, h, w = g.dims
    t, l, b, r = data.draw(st.lists(st.integers(0, 2), min_size=4, max_size=4))
    value = data.draw(st.sampled_from([0.0, 1.0]))
    pads = g.constant([0, 0, t, l, 0, 0, b, r])
    g.add("Pad", g.top, pads, g.constant(value), dims=(n, c, h + t + b, w + l + r))


def concat(g: Graph, data: st.DataObject) -> None:
    n, c, h, w = g.dims
    x = g.top
    g.add("Relu")
    g.add("Concat", x, g.top, axis=data.draw(st.sampled_from([1, -3])), dims=(n, 2 * c, h, w))


def shuffle(g: Graph, data: st.DataObject) -> None:
    """A reshape whose target is worked out from the shape, and a transposition there and back."""
    n, c, h, w = g.dims
    x = g.top
    batch = g.add("Slice", g.add("Shape"), g.constant([0]), g.constant([1]))
    target = g.add("Concat", batch, g.constant([c, h * w]), axis=0)
    g.add("Reshape", x, target, dims=(n, c, h * w))
    g.add("Transpose", perm=[0, 2, 1], dims=(n, h * w, c))
    g.add("Softmax", axis=2)
    g.add("Transpose", perm=[0, 2, 1], dims=(n, c, h * w))
    g.add("Reshape", g.top, g.constant([0, -1, h, w]), dims=(n, c, h, w))


def nothing(g: Graph, data: st.DataObject) -> None:
    g.add(data.draw(st.sampled_from(["Identity", "Dropout"])))


def cut(g: Graph, data: st.DataObject) -> None:
    n, c, h, w = g.dims
    step = data.draw(st.integers(1, 2))
    start = data.draw(st.integers(0, h - 1))
    operands = [g.constant([start]), g.constant([1 << 40]), g.constant([-2]), g.constant([step])]
    g.add("Slice", g.top, *operands, dims=(n, c, -(-(h - start) // step), w))


LAYERS: tuple[Layer, ...] = (
    conv, conv, pool, batch_norm, activation, relu6, hard_swish, gate, residual, arithmetic, pad, concat, shuffle,
    nothing, cut,
)  # fmt: skip


def head(g: Graph, data: st.DataObject) -> None:
    """Features to classes, by Gemm, or by MatMul and Add."""
    n, c, *_ = g.dims
    g.add("ReduceMean", axes=[2, 3], keepdims=0, dims=(n, c))
    if data.draw(st.booleans()):
        g.add("Gemm", g.top, g.normal(5, c), g.normal(5), transB=1, dims=(n, 5))
    else:
        g.add("MatMul", g.top, g.normal(c, 5), dims=(n, 5))
        g.add("Add", g.top, g.normal(5))
    g.add("Softmax", axis=-1)


def draw_graph(data: st.DataObject) -> onnx.ModelProto:
    """A chain of one to eight layers, the first of which computes something, at times with a head."""
    dims = data.draw(st.tuples(st.integers(1, 2), st.integers(1, 4), st.integers(4, 9), st.integers(4, 9)))
    g = Graph(dims, opset=data.draw(st.sampled_from([11, 13, 17])), seed=data.draw(st.integers(0, 99)))
    for layer in (activation, *data.draw(st.lists(st.sampled_from(LAYERS), max_size=7))):
        layer(g, data)
    if data.draw(st.booleans()):
        head(g, data)
    return g.model()
