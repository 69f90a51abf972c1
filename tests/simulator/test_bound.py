"""Bounds against CHIP's frozen table, whose seeds come from analytic tables that don't read ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grimp
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, shape_inference

from simulator.bound import Aside, UnknownShape, bounds
from simulator.chip import CHIPS, variant

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"

RESNET50 = {"x64": 380_701, "e16": 8_039_296, "e8": 32_028_288}
MOBILENETV2 = {"x64": 56_229, "e16": 666_361, "e8": 2_588_796}
MINILM = {"x64": 160_630, "e16": 2_801_664, "e8": 11_206_656}


class Builder:
    """An ONNX graph written node by node."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.input = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def weight(self, *shape: int) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.zeros(shape, np.float32), name))
        return name

    def conv(self, x: str, ic: int, oc: int, kernel: int, stride: int = 1, group: int = 1) -> str:
        weight = self.weight(oc, ic // group, kernel, kernel)
        pads, steps = [kernel // 2] * 4, [stride] * 2
        return self.node("Conv", x, weight, kernel_shape=[kernel] * 2, pads=pads, strides=steps, group=group)

    def model(self, output: str) -> onnx.ModelProto:
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "g", [self.input], [result], self.weights)
        return shape_inference.infer_shapes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))


def mobilenetv2() -> onnx.ModelProto:
    net = Builder((1, 3, 224, 224))
    x, c = net.conv("x", 3, 32, 3, 2), 32
    for widen, out, repeats, first in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ):  # fmt: skip
        for i in range(repeats):
            wide, source = c * widen, x
            if widen != 1:
                x = net.conv(x, c, wide, 1)
            x = net.conv(x, wide, wide, 3, first if i == 0 else 1, wide)
            x = net.conv(x, wide, out, 1)
            x = net.node("Add", x, source) if i else x
            c = out
    x = net.node("GlobalAveragePool", net.conv(x, c, 1280, 1))
    return net.model(net.node("Gemm", net.node("Flatten", x), net.weight(1280, 1000)))


def minilm() -> onnx.ModelProto:
    heads, seq, width = 12, 128, 384
    net = Builder((1, seq, width))
    split = numpy_helper.from_array(np.array([1, seq, heads, width // heads]), "split")
    merge = numpy_helper.from_array(np.array([1, seq, width]), "merge")
    net.weights += [split, merge]
    x = "x"
    for _ in range(6):
        q, k, v = (net.node("Reshape", net.node("MatMul", x, net.weight(width, width)), "split") for _ in range(3))
        q, v = (net.node("Transpose", t, perm=[0, 2, 1, 3]) for t in (q, v))
        scores = net.node("MatMul", q, net.node("Transpose", k, perm=[0, 2, 3, 1]))
        mixed = net.node("MatMul", net.node("Softmax", scores), v)
        x = net.node("Reshape", net.node("Transpose", mixed, perm=[0, 2, 1, 3]), "merge")
        x = net.node("MatMul", x, net.weight(width, width))
        x = net.node("MatMul", net.node("MatMul", x, net.weight(width, 4 * width)), net.weight(4 * width, width))
    return net.model(x)


@pytest.mark.parametrize("chip", RESNET50)
def test_resnet50(chip: str) -> None:
    found = bounds(onnx.load(LIGHT / "light_resnet50.onnx"), "int8", CHIPS[chip])
    assert found.bound == RESNET50[chip]
    assert found.cube_macs == 4_089_184_256
    assert found.compulsory == 25_502_912 + 12 * (26_560 + 1000) + 3 * 224 * 224 + 1000


@pytest.mark.parametrize("chip", MOBILENETV2)
def test_mobilenetv2(chip: str) -> None:
    assert bounds(mobilenetv2(), "int8", CHIPS[chip]).bound == MOBILENETV2[chip]


@pytest.mark.parametrize("chip", MINILM)
def test_minilm(chip: str) -> None:
    assert bounds(minilm(), "int8", CHIPS[chip]).bound == MINILM[chip]


@pytest.mark.parametrize("name", ["light_squeezenet", "light_shufflenet", "light_vgg19", "light_densenet121"])
@pytest.mark.parametrize("mode", ["f32", "bf16", "int8"])
def test_no_bound_lies_below_its_floor(name: str, mode: str) -> None:
    model = onnx.load(LIGHT / f"{name}.onnx")
    for chip in CHIPS.values():
        found = bounds(model, mode, chip)
        assert found.bound >= found.floor - 1 > 0


def test_transposed_conv_counts_input_pixels() -> None:
    net = Builder((1, 64, 10, 10))
    x = net.node("ConvTranspose", "x", net.weight(64, 64, 2, 2), kernel_shape=[2, 2], strides=[2, 2])
    found = bounds(net.model(x), "int8", CHIPS["e8"])
    assert found.cube_macs == 64 * 64 * 2 * 2 * 10 * 10
    assert found.bound == 8 * 100 * 4 * 4


def test_a_batch_is_rounded_up_matrix_by_matrix() -> None:
    net = Builder((3, 5, 160))
    model = net.model(net.node("MatMul", "x", net.node("Transpose", "x", perm=[0, 2, 1])))
    quick = variant(CHIPS["e16"], ddr_bytes_per_second=1e15)
    assert bounds(model, "int8", quick).bound == 3 * 3 * 10


def test_float_modes_widen_weights_and_edges() -> None:
    net = Builder((1, 16, 4, 4))
    model = net.model(net.conv("x", 16, 32, 1))
    sizes = {mode: bounds(model, mode, CHIPS["e8"]).compulsory for mode in ("int8", "bf16", "f32")}
    weights, edges = 16 * 32, (16 + 32) * 16
    assert sizes == {
        "int8": weights + 12 * 32 + edges, "bf16": 2 * (weights + edges) + 4 * 32, "f32": 4 * (weights + edges + 32),
    }  # fmt: skip


def test_shared_weights_gathered_rows_and_unused_inputs() -> None:
    net = Builder((1, 16))
    shared = net.weight(16, 16)
    x = net.node("MatMul", net.node("MatMul", "x", shared), shared)
    model = net.model(x)
    model.graph.input.append(helper.make_tensor_value_info("unused", TensorProto.FLOAT, (1000,)))
    e8 = CHIPS["e8"]
    assert bounds(model, "f32", e8).compulsory == 4 * 256 + 4 * 16 + 2 * 4 * 16
    rows = Builder((1, 5))
    rows.input.type.tensor_type.elem_type = TensorProto.INT64
    table = rows.node("Gather", rows.weight(1000, 8), "x")
    assert bounds(rows.model(table), "int8", e8).compulsory == 5 * 8 + 5 * 4 + 5 * 8


def test_constants_made_by_nodes_are_weights() -> None:
    net = Builder((1, 16))
    turned = net.node("Transpose", net.weight(32, 16), perm=[1, 0])
    assert bounds(net.model(net.node("MatMul", "x", turned)), "int8", CHIPS["e8"]).compulsory == 512 + 12 * 32 + 48


def test_a_missing_shape_is_named() -> None:
    net = Builder((1, 16, 4, 4))
    model = net.model(net.conv("x", 16, 32, 1))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    del model.graph.value_info[:]
    model.graph.output[0].type.tensor_type.ClearField("shape")
    with pytest.raises(UnknownShape, match="'t0' has no static shape"):
        bounds(model, "int8", CHIPS["e8"])


def test_knows_neither_timing_nor_compiler() -> None:
    found = grimp.build_graph("simulator").find_upstream_modules("simulator.bound")
    assert found <= {"simulator.chip", "simulator"}


def test_ops_of_the_host_count_apart() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("MatMul", ["b", "v"], ["c"]),
        helper.make_node("Softmax", ["c"], ["d"]),
        helper.make_node("MatMul", ["d", "u"], ["y"]),
    ]
    held = [
        numpy_helper.from_array(np.ones(dims, np.float32), name)
        for name, dims in (("w", (4, 8)), ("v", (8, 16)), ("u", (16, 2)))
    ]
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, dims) for n, dims in (("x", [1, 4]), ("y", [1, 2])))
    model = helper.make_model(helper.make_graph(nodes, "g", [x], [y], held))
    whole = bounds(model, "f32", CHIPS["e8"])
    aside = bounds(model, "f32", CHIPS["e8"], [Aside(["b_Relu"], ["d_Softmax"])])
    assert (whole.cube_macs, whole.host_macs) == (4 * 8 + 8 * 16 + 16 * 2, 0)
    assert (aside.cube_macs, aside.host_macs) == (4 * 8 + 16 * 2, 8 * 16)
    assert aside.host_share == 8 * 16 / whole.cube_macs
    assert aside.compulsory == whole.compulsory - 4 * 8 * 16 - 4 * 16


def test_cores_share_out_what_an_array_makes_at_once() -> None:
    """33 channels by 5 pixels are 2 · 2 passes of 32 lanes by 4 pixels, 2 for each core; one channel is 2, so 1."""
    x32 = variant(CHIPS["x32"], ddr_bytes_per_second=1e15)
    for channels, passes in ((33, 2), (1, 1), (96, 3)):
        net = Builder((1, 64, 5, 1))
        found = bounds(net.model(net.conv("x", 64, channels, 1)), "int8", x32)
        assert found.bound == passes * 2
        assert found.floor == -(-64 * channels * 5 // (2 * 32 * 32 * 4))
