"""Networks whose weights are rounded by what they do to data: nearer to float, within all limits, and one of them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest

from compiler import opt
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.to_top.read import read
from compiler.interpreter.results import results
from compiler.ir import files
from compiler.ir.network import Network
from compiler.lowering.job import Contracted
from compiler.lowering.walk import lower
from compiler.quantization.annotate import annotate
from compiler.quantization.calibrate import Plan, collect, entries
from compiler.quantization.quantised_weights import MOST
from compiler.quantization.stated import stated
from compiler.rounding.reconstruct import decibels, reconstruct
from compiler.rounding.split import Split
from compiler.rounding.targets import targets_of
from compiler.stages import addr_mlir, lg_mlir, sample_model
from compiler.stages.canonical_mlir import PIPELINE
from simulator.runtime import PyRuntime
from tests.compiler.lowering.test_quantised_models import canonical as canonical_of
from tests.compiler.lowering.test_quantised_models import quantised, samples

MODEL = """<ir_version: 8, opset_import: ["" : 17]> g (float[1,3,12,12] x) => (float[1,20,8] y) {
    c1 = Conv<pads = [1, 1, 1, 1], strides = [2, 2]>(x, w1, b1) r1 = Clip(c1, low, six)
    c2 = Conv<pads = [1, 1, 1, 1], group = 16>(r1, w2, b2) r2 = Relu(c2)
    c3 = Conv<group = 2>(r2, w3, b3)
    t = ConvTranspose<strides = [2, 2], kernel_shape = [3, 3]>(c3, w4, b4) r4 = Relu(t)
    f = Reshape(r4, dims) y = MatMul(f, w5)
}"""
RESULT = "y_MatMul"
SHAPES = {"w1": (16, 3, 3, 3), "b1": (16,), "w2": (16, 1, 3, 3), "b2": (16,), "w3": (20, 8, 1, 1), "b3": (20,),
          "w4": (20, 20, 3, 3), "b4": (20,), "w5": (169, 8)}  # fmt: skip


def _weights(rng: np.random.Generator, dims: tuple[int, ...]) -> np.ndarray:
    """Few are large, so that the steps of the many small ones are coarse; biases are normal."""
    spread = rng.normal(0, 1, dims) ** 5 if len(dims) > 1 else rng.normal(0, 1, dims)
    return (0.1 * spread).astype(np.float32)


def model(seed: int) -> onnx.ModelProto:
    rng = np.random.default_rng(seed)
    held = {name: _weights(rng, dims) for name, dims in SHAPES.items()}
    held |= {"low": np.float32(0), "six": np.float32(6), "dims": np.array([1, 20, 169])}
    made = onnx.parser.parse_model(MODEL)
    made.graph.initializer.extend(onnx.numpy_helper.from_array(np.asarray(a), n) for n, a in held.items())
    return made


def feeds(count: int, first: int = 0) -> list[dict[str, np.ndarray]]:
    """Images with neighbours alike, as weights are only rounded in view of each other where inputs go together."""
    made = list[dict[str, np.ndarray]]()
    for i in range(first, first + count):
        rng = np.random.default_rng(i)
        x = rng.normal(0, 1, (1, 3, 1, 1)) + rng.normal(0, 0.3, (1, 3, 12, 12)).cumsum(2)
        made.append({"x": np.tanh(x).astype(np.float32)})
    return made


def lowered(
    network: Network, mode: str = "int8", given: Sequence[dict[str, np.ndarray]] = ()
) -> tuple[Network, dict[str, Contracted]]:
    reference = Reference(network, threads=1)
    measured = collect(reference, Plan.of(network), iter(given or feeds(20)), 20, 2048, lambda done, total: None)
    annotate(network, entries(measured.histograms, "max") | stated(network))
    return network, lower(network, mode)


def float_network(seed: int) -> Network:
    network = read(prepare(model(seed), {}), "rounded")
    opt.run(network, opt.passes(PIPELINE))
    return network


def noise(network: Network, float_one: Network) -> float:
    """Square of the error on samples that nothing was calibrated or rounded by."""
    reference = Reference(float_one, threads=1)
    pairs = [(results(network, fed).real(RESULT), reference.run(fed)[RESULT]) for fed in feeds(12, 100)]
    return float(sum(np.square(made - wanted.reshape(made.shape)).sum() for made, wanted in pairs))


@pytest.mark.parametrize(("seed", "mode"), [(0, "int8"), (1, "int8a")])
def test_nearer_to_float_on_unseen_data(seed: int, mode: str) -> None:
    network, told = lowered(float_network(seed), mode)
    assert len(targets_of(network, told)) == 6
    before, nearest = noise(network, float_network(seed)), dict(network.weights)
    reconstruct(network, told, float_network(seed), feeds(24))
    assert noise(network, float_network(seed)) < 0.8 * before
    for name, contracted in told.items():
        now = network.weights[name].reshape(len(contracted.made.units), -1).astype(np.int64)
        params = network.weights[name.replace("filter", "params").replace("right", "params")].reshape(-1, 3)
        assert np.abs(now).max() <= 127
        assert (np.abs(params[:, 0].astype(np.int64)) + np.abs(now).sum(1) * contracted.made.reach <= MOST).all()
        assert np.array_equal(params[:, 1:], contracted.made.params[:, 1:])
    assert any(not np.array_equal(network.weights[name], nearest[name]) for name in told)


def test_same_bytes_again() -> None:
    made = []
    for _ in range(2):
        network, told = lowered(float_network(3))
        reconstruct(network, told, float_network(3), feeds(9))
        made.append({name: array.tobytes() for name, array in network.weights.items()})
    assert made[0] == made[1]


def test_nothing_is_kept_that_is_farther_off() -> None:
    """A float network that isn't this one's: what follows it is farther from it on no sample that judges."""
    network, told = lowered(float_network(4))
    levels = reconstruct(network, told, float_network(5), feeds(8))
    reference, kept = Reference(float_network(5), threads=1), list[float]()
    for fed in (feeds(8)[i] for i in Split(8).judge):
        wanted, made = (
            np.asarray(x, np.float64) for x in (reference.run(fed)[RESULT], results(network, fed).real(RESULT))
        )
        signal, noise = np.square(wanted).sum(axis=2), np.square(made - wanted).sum(axis=2)
        kept.append(float(10 * np.log10(np.maximum(signal, 1e-3 * signal.max()) / noise).mean()))
    assert np.mean(kept) == pytest.approx(max(levels.values()))


def test_padding_doesnt_outweigh_what_is_said() -> None:
    """A row that gets much worse isn't made up for by many that get a little better."""
    wanted = np.ones((1, 16, 8))
    made = wanted + 0.5
    made[:, :2] = wanted[:, :2] + 0.05
    rounded = wanted + 0.4
    assert np.square(rounded - wanted).sum() < np.square(made - wanted).sum()
    assert decibels(wanted, made) < decibels(wanted, rounded)


@pytest.mark.parametrize("count", [1, 5])
def test_few_samples(count: int) -> None:
    network, told = lowered(float_network(6))
    before = noise(network, float_network(6))
    reconstruct(network, told, float_network(6), feeds(count))
    assert noise(network, float_network(6)) < 1.5 * before


@pytest.mark.parametrize("kind", ["uint8", "int8"])
def test_a_quantised_models_integers_stay(kind: str) -> None:
    network, told = lowered(canonical_of(quantised(kind)), "int8", [{"x": x} for x in samples(20)])
    assert told
    before = dict(network.weights)
    assert reconstruct(network, told, canonical_of(quantised(kind)), [{"x": x} for x in samples(8)]) == {}
    assert all(array is before[name] for name, array in network.weights.items())


def test_chip_is_tpu() -> None:
    network, told = lowered(float_network(7))
    reconstruct(network, told, float_network(7), feeds(16))
    out = Path(tempfile.mkdtemp())
    files.save(network, out, "tpu")
    stages = {"tpu_mlir": out, "lg_mlir": out, "addr_mlir": out}
    for stage in (lg_mlir, addr_mlir, sample_model):
        stage.run(stages, {"mode": "int8", "chip": "e8", "effort": 1}, out)
    fed = feeds(1, 50)[0]
    (made,) = PyRuntime(out / sample_model.FILE).run(None, fed)
    assert np.array_equal(np.asarray(made), results(network, fed).real(RESULT))


def test_samples_serve_for_one_thing() -> None:
    for total in range(4, 40):
        split = Split(total)
        assert not set(split.judge) & set(split.used)
        assert sorted((*split.judge, *split.used)) == list(range(total))
        held = [split.held(sample) for sample in split.used]
        assert split.judge
        assert {*held} == {True, False}
