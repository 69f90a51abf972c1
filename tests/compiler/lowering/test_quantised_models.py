"""A model that is quantised already keeps its own steps, in every mode."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from compiler import opt
from compiler.dialects.structure import InputOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.contraction import ConvOp
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.session import Session
from compiler.frontends.onnx.to_top.read import read
from compiler.interpreter.results import results
from compiler.ir.network import Network, name_of
from compiler.ir.storage import scale, storage, zero_point
from compiler.lowering.walk import lower
from compiler.quantization.annotate import annotate
from compiler.quantization.calibrate import Plan, collect, entries
from compiler.quantization.stated import stated
from compiler.stages.canonical_mlir import PIPELINE

MODEL = """<ir_version: 8, opset_import: ["" : 17]> g (float[1,3,8,8] x) => (float[1,5] y) {
    xq = QuantizeLinear(x, xs, xz) xd = DequantizeLinear(xq, xs, xz)
    w1d = DequantizeLinear<axis = 0>(w1, w1s, w1z) b1d = DequantizeLinear<axis = 0>(b1, b1s)
    c1 = Conv<pads = [1, 1, 1, 1]>(xd, w1d, b1d) r1 = Relu(c1)
    aq = QuantizeLinear(r1, as, az) ad = DequantizeLinear(aq, as, az)
    p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(ad)
    pq = QuantizeLinear(p, as, az) pd = DequantizeLinear(pq, as, az)
    w2d = DequantizeLinear<axis = 0>(w2, w2s, w2z)
    c2 = Conv<pads = [1, 1, 1, 1]>(pd, w2d)
    bq = QuantizeLinear(c2, bs, bz) bd = DequantizeLinear(bq, bs, bz)
    s = Add(bd, pd) sq = QuantizeLinear(s, ss, sz) sd = DequantizeLinear(sq, ss, sz)
    f = Flatten(sd) w3d = DequantizeLinear<axis = 1>(w3, w3s, w3z)
    m = MatMul(f, w3d) yq = QuantizeLinear(m, ys, yz) y = DequantizeLinear(yq, ys, yz)
}"""


def quantised(kind: str) -> onnx.ModelProto:
    """Activations in `kind`, with zero points; weights by channel in int8."""
    rng = np.random.default_rng(5)
    steps = {"xs": 0.023, "as": 0.019, "bs": 0.035, "ss": 0.047, "ys": 0.061}
    zeros = {"xz": 121, "az": 0, "bz": 130, "sz": 77, "yz": 128}
    shift = 128 if kind == "int8" else 0
    held = {name: np.float32(value) for name, value in steps.items()}
    held |= {name: np.array(value - shift, kind) for name, value in zeros.items()}
    for name, shape, axis in (("w1", (4, 3, 3, 3), 0), ("w2", (4, 4, 3, 3), 0), ("w3", (64, 5), 1)):
        held[name] = rng.integers(-128, 128, shape).astype(np.int8)
        held[f"{name}s"] = rng.uniform(0.001, 0.003, shape[axis]).astype(np.float32)
        held[f"{name}z"] = np.zeros(shape[axis], np.int8)
    held["b1"] = rng.integers(-2000, 2000, 4).astype(np.int32)
    held["b1s"] = held["w1s"] * held["xs"]
    model = onnx.parser.parse_model(MODEL)
    model.graph.initializer.extend(onnx.numpy_helper.from_array(np.asarray(a), n) for n, a in held.items())
    return model


def samples(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(9)
    return [rng.normal(0, 1, (1, 3, 8, 8)).astype(np.float32) for _ in range(count)]


def canonical(model: onnx.ModelProto) -> Network:
    network = read(prepare(model, {}), "quantised")
    opt.run(network, opt.passes(PIPELINE))
    return network


def in_int8(model: onnx.ModelProto, mode: str) -> Network:
    network = canonical(model)
    reference, feeds = Reference(network, threads=1), iter({"x": x} for x in samples(2))
    measured = collect(reference, Plan.of(network), feeds, 2, 2048, lambda done, total: None)
    annotate(network, entries(measured.histograms, "kl") | stated(network))
    lower(network, mode)
    return network


@pytest.mark.parametrize("kind", ["uint8", "int8"])
def test_in_float_the_steps_stay_roundings(kind: str) -> None:
    model = quantised(kind)
    found = Reference(canonical(model), threads=1)
    theirs = Session(model, threads=1)
    for x in samples(3):
        assert np.allclose(found.run({"x": x})["y_DequantizeLinear"], theirs.run({"x": x})["y"], atol=1e-6)


@pytest.mark.parametrize("mode", ["int8", "int8a"])
@pytest.mark.parametrize("kind", ["uint8", "int8"])
def test_in_int8_they_are_how_tensors_are_stored(kind: str, mode: str) -> None:
    """Scales, zero points (those of int8 moved with the integers), weights; results but for roundings of halves."""
    model = quantised(kind)
    network = in_int8(model, mode)
    (entry,) = [op for op in network.ops if isinstance(op, InputOp)]
    assert (scale(entry.output), zero_point(entry.output)) == (float(np.float32(0.023)), 121)
    held = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    convs = [op for op in network.ops if isinstance(op, ConvOp)]
    for op, name in zip(convs, ("w1", "w2"), strict=True):
        stored = network.weights[name_of(op.filter)]
        assert sorted(stored.ravel().tolist()) == sorted(held[name].ravel().tolist())
    assert not [name_of(op) for op in network.ops if isinstance(op, TpuOp) and storage(op.output).kind == "f"]
    theirs = Session(model, threads=1)
    for x in samples(4):
        expected = np.rint(theirs.run({"x": x})["y"] / np.float32(0.061))
        found = np.rint(results(network, {"x": x}).real("y_DequantizeLinear") / np.float32(0.061))
        assert np.abs(found - expected).max() <= 1
        assert (found == expected).mean() > 0.95
