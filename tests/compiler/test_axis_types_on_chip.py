"""Types by axis from lowering to the host: what each channel means, bit for bit on small and large chips."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.comparison import compare
from compiler.dialects.fields import ints
from compiler.dialects.top import ops as top
from compiler.dialects.tpu.contraction import ConvOp
from compiler.interpreter.results import results
from compiler.ir import files
from compiler.ir.network import Array, Network, name_of
from compiler.ir.storage import uniform
from compiler.lowering.walk import lower
from compiler.npz import write_npz
from compiler.quantization.balance import Balance
from compiler.results import Results
from compiler.stages import addr_mlir, chip_results, lg_mlir, sample_model
from simulator.runtime import PyRuntime
from tests.compiler.lowering.networks import Builder, calibrate, reference

CHIPS = ["x64", "e8"]
MODES = ["int8", "int8a"]


def detector(kernel: int, seed: int = 0) -> tuple[Network, dict[str, Array]]:
    """Boxes beside scores, 600 times smaller, which the caller and a further convolution read."""
    rng, b = np.random.default_rng(seed), Builder()
    x = b.input("x", 1, 3, 5, 6)
    pads = ints(*(kernel // 2,) * 4)
    boxes = b.op(top.ConvOp, x, b.weight(rng.normal(size=(4, 3, 1, 1)) * 100), b.none(), kernel_shape=ints(1, 1))
    scores = b.op(
        top.SigmoidOp, b.op(top.ConvOp, x, b.weight(rng.normal(size=(5, 3, 1, 1))), b.none(), kernel_shape=ints(1, 1))
    )
    both = b.op(top.ConcatOp, [boxes, scores])
    weights = rng.normal(size=(4, 9, kernel, kernel)) / np.array([300] * 4 + [1] * 5).reshape(1, 9, 1, 1)
    read = b.op(top.ConvOp, both, b.weight(weights), b.none(), kernel_shape=ints(kernel, kernel), pads=pads)
    return b.network(both, read), {"x": rng.normal(size=(1, 3, 5, 6)).astype(np.float32)}


def normed() -> tuple[Network, dict[str, Array]]:
    """A norm whose channels differ 100 times in size, read by a product and by a sum before the next norm."""
    rng, b = np.random.default_rng(1), Builder()
    x, gamma = b.input("x", 2, 7, 24), np.geomspace(0.1, 10, 24)
    first = b.op(top.LayerNormOp, x, b.weight(gamma), b.weight(rng.normal(size=24) * gamma))
    product = b.op(top.MatMulOp, first, b.weight(rng.normal(size=(24, 24)) / gamma[:, None]), b.none())
    return b.network(b.op(top.LayerNormOp, b.op(top.AddOp, [first, product]), b.none(), b.none())), {
        "x": rng.normal(size=(2, 7, 24)).astype(np.float32)
    }


def spans(array: Array) -> Array:
    flat = array.reshape(-1, array.shape[-1])
    return np.stack([np.minimum(flat.min(0), 0), np.maximum(flat.max(0), 0)])


def lowered(made: tuple[Network, dict[str, Array]], mode: str) -> tuple[Network, dict[str, Array], dict[str, Array]]:
    network, feeds = made
    expected = reference(network, feeds)
    calibrate(network, expected, {})
    norms = {name_of(op): expected[name_of(op)] for op in network.ops if isinstance(op, top.LayerNormOp)}
    lower(network, mode, balance={name: Balance(2, spans(array)) for name, array in norms.items()})
    return network, feeds, expected


def on_chip(network: Network, feeds: dict[str, Array], chip: str, folder: Path) -> Results:
    """The chip's tensors; the model stays in the folder."""
    files.save(network, folder, "tpu")
    write_npz(folder / "evaluation.npz", feeds)
    names = ["tpu_mlir", "lg_mlir", "addr_mlir", "sample_model", "evaluation_data"]
    everything = dict.fromkeys(names, folder)
    for stage in (lg_mlir, addr_mlir, sample_model):
        stage.run(everything, {"chip": chip, "effort": 1, "seed": None}, folder)
    chip_results.run(everything, {}, folder)
    return Results.load(folder, "chip_results")


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", ["detector", "normed"])
def test_the_chip_gives_the_bits_and_the_host_the_meaning(case: str, mode: str, chip: str, tmp_path: Path) -> None:
    network, feeds, _ = lowered(detector(1) if case == "detector" else normed(), mode)
    expected = results(network, feeds)
    assert any(meaning.axis >= 0 for meaning in expected.meanings.values())
    found = on_chip(network, feeds, chip, tmp_path)
    assert [n for n, array in expected.arrays.items() if found.arrays[n].tobytes() != array.tobytes()] == []
    plain = {name: replace(meaning, folds=()) for name, meaning in expected.meanings.items()}
    assert found.meanings == plain
    session = PyRuntime(tmp_path / sample_model.FILE)
    for entry, array in zip(session.get_outputs(), session.run(None, feeds), strict=True):
        np.testing.assert_array_equal(array, expected.real(entry.name))
        assert entry.axis == expected.meanings[entry.name].axis


@pytest.mark.parametrize("mode", MODES)
def test_scores_beside_boxes_are_as_fine_as_alone(mode: str) -> None:
    network, feeds, expected = lowered(detector(3), mode)
    rows = compare(results(network, feeds), Results(expected, {}), ("tpu", "top"))
    assert {row.tensor for row in rows} >= {"t3", "t4"}
    found = results(network, feeds).real("t3")
    assert np.abs(found - expected["t3"])[:, 4:].max() < 0.02
    # With a step of the boxes, hundreds in 255 steps, scores would be 0 or more than 1.
    assert next(row.sqnr_db for row in rows if row.tensor == "t4") > 30


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(MODES), st.sampled_from([1, 3]))
def test_a_convolution_reads_each_channel_in_its_scale(seed: int, mode: str, kernel: int) -> None:
    """The stored result is that of exact integers, and what these mean is the convolution of what is stored."""
    network, feeds, _ = lowered(detector(kernel, seed), mode)
    made = results(network, feeds)
    op = [op for op in network.ops if isinstance(op, ConvOp)][-1]
    assert uniform(op.input).is_per_axis
    x, weights, params = (
        made.arrays[name_of(op.input)],
        network.weights[name_of(op.filter)],
        network.weights[name_of(op.params)],
    )
    zero, low, high = uniform(op.input).zero_points.data[0].data, *op.clamp()
    padded = np.pad(x, ((0, 0), (0, 0), *((kernel // 2,) * 2,) * 2), constant_values=zero)
    kernels = weights.reshape(4, 9, kernel, kernel)
    for c, i, j in ((c, i, j) for c in range(4) for i in range(5) for j in range(6)):
        window = padded[0, :, i : i + kernel, j : j + kernel].astype(int) - zero
        bias, multiplier, shift = (int(n) for n in params[0, c, 0])
        total = int((window * kernels[c]).sum()) + bias
        step = (total * multiplier + (1 << shift >> 1)) >> shift
        wanted = min(max(step + uniform(op.output).zero_points.data[0].data, int(low)), int(high))
        assert made.arrays[name_of(op)][0, c, i, j] == wanted


@pytest.mark.parametrize("chip", CHIPS)
def test_what_is_computed_in_float_leaves_by_axis_where_it_is_stored(chip: str, tmp_path: Path) -> None:
    b, rng = Builder(), np.random.default_rng(2)
    x = b.input("x", 1, 6, 4)
    large, small = (b.op(top.MaxOp, [b.op(top.MulOp, [x, b.weight(np.full(1, by))]), x]) for by in (500.0, 0.5))
    network, feeds = b.network(b.op(top.ConcatOp, [large, small])), {"x": rng.normal(size=(1, 6, 4)).astype(np.float32)}
    expected = reference(network, feeds)
    calibrate(network, expected, {})
    lower(network, "int8", io="stored")
    made = results(network, feeds)
    meaning = made.meanings["t4"]
    assert (meaning.axis, meaning.dtype, meaning.internal) == (1, "int8", False)
    step = np.array(meaning.scale).reshape(1, -1, 1)
    # The input, the product and the result are rounded, each to about the same share of its range.
    assert (np.abs(made.real("t4") - expected["t4"]) <= 1.6 * step).all()
    found = on_chip(network, feeds, chip, tmp_path)
    assert [n for n, array in made.arrays.items() if found.arrays[n].tobytes() != array.tobytes()] == []
