"""The simulated network against the interpreter's integers, its switches, and types by channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xdsl.dialects.builtin import ArrayAttr, FloatData, IntAttr

from compiler.dialects.quant import Quant, UniformType
from compiler.dialects.top.ops import Top
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.interpreter.results import meaning
from compiler.interpreter.run import run
from compiler.ir import files
from compiler.ir.network import Array, Network, name_of
from compiler.lowering.stored import Stored, stored
from compiler.lowering.walk import lower
from compiler.quantization.annotate import annotate
from compiler.quantization.calibrate import Plan, collect, entries
from compiler.quantization.simulated import Simulated
from compiler.results import Results
from tests.compiler.quantization.networks import SHAPE, branching, canonical

SAMPLES = [{"x": x[None]} for x in np.random.default_rng(1).normal(size=(8, *SHAPE[1:])).astype(np.float32)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return canonical(branching(), tmp_path_factory.mktemp("branching"))


def load(folder: Path) -> Network:
    return files.load(folder, "canonical", Top, Quant)


def lowered(folder: Path, mode: str) -> tuple[Network, Stored]:
    """The network in int8, and what of it is int8."""
    network, made = load(folder), load(folder)
    plan = Plan.of(network)
    measured = collect(Reference(network, 1), plan, iter(SAMPLES), len(SAMPLES), 2048, lambda done, total: None)
    names = {name_of(value) for op in made.ops for value in op.results}
    annotate(made, entries(measured.histograms, "max"))
    told = lower(made, mode)
    return made, stored(made, names, told.values())


def noise_db(wanted: list[Array], made: list[Array]) -> float:
    signal, error = np.stack(wanted).astype(np.float64), np.stack(made).astype(np.float64)
    return float(10 * np.log10((signal**2).sum() / ((signal - error) ** 2).sum()))


def interpreted(network: Network, feeds: dict[str, Any]) -> Array:
    kept = Results({}, {})

    def keep(value: Any, array: Array) -> None:
        kept.arrays[name_of(value)], kept.meanings[name_of(value)] = array, meaning(value)

    (made,) = run(network, feeds, keep)
    return kept.real(made)


@pytest.mark.parametrize("mode", ["int8", "int8a"])
def test_it_is_as_noisy_as_the_integers(folder: Path, mode: str) -> None:
    made, held = lowered(folder, mode)
    network = load(folder)
    simulated = Simulated(network, held.types, 1, held.bare, held.contractions)
    name = name_of(next(reversed(list(network.ops))).operands[0])
    floats = [Reference(network, 1).run(feeds)[name] for feeds in SAMPLES]
    integers = [interpreted(made, feeds).reshape(floats[0].shape) for feeds in SAMPLES]
    fakes = [simulated.run(feeds)[name] for feeds in SAMPLES]
    assert noise_db(floats, fakes) == pytest.approx(noise_db(floats, integers), abs=0.5)
    assert simulated.contractions == ["b_Relu", "d_Conv"]


def test_everything_can_be_left_float_and_each_part_adds_noise(folder: Path) -> None:
    _, held = lowered(folder, "int8")
    network = load(folder)
    simulated, reference = Simulated(network, held.types), Reference(network, 1)
    feeds = SAMPLES[0]
    floats = reference.run(feeds)
    made = simulated.run(feeds, {}, (), tensors=True)
    for name, array in floats.items():
        assert made[name] == pytest.approx(array, rel=1e-5, abs=1e-5)
    for activations, weights in ((None, ()), ({}, None), ({}, ["d_Conv"]), ({"x": held.types["x"]}, ())):
        noise = np.abs(simulated.run(feeds, activations, weights)["y_Transpose"] - floats["y_Transpose"]).max()
        assert 0 < noise < 0.5


def test_a_tensor_lies_on_the_steps_of_the_type_that_a_run_gives_it(folder: Path) -> None:
    _, held = lowered(folder, "int8")
    simulated = Simulated(load(folder), held.types)
    coarse = {**held.types, "x": UniformType.per_tensor(0.5, low=-2, high=3)}
    made = simulated.run(SAMPLES[0], coarse, tensors=True)["x"]
    assert set(np.unique(made)) <= {-1.0, -0.5, 0.0, 0.5, 1.0, 1.5}


def test_types_by_channel_are_absorbed_by_the_weights(folder: Path) -> None:
    """Of a channel 100 times smaller, a scale of its own keeps as many steps."""
    network = load(folder)
    feeds = [{"x": each["x"] * np.array([1, 0.01], np.float32).reshape(2, 1, 1)} for each in SAMPLES]
    scales = [float(max(np.abs(each["x"][:, c]).max() for each in feeds)) / 127 for c in range(2)]
    by_tensor = UniformType.per_tensor(max(scales))
    by_axis = UniformType(
        by_tensor.storage, by_tensor.minimum, by_tensor.maximum, by_tensor.expressed, IntAttr(1),
        ArrayAttr(map(FloatData, scales)), ArrayAttr([IntAttr(0)] * 2),
    )  # fmt: skip
    floats = [each["x"][:, 1] for each in feeds]
    simulated = Simulated(network, {"x": by_axis})
    assert noise_db(floats, [simulated.run(each, tensors=True)["x"][:, 1] for each in feeds]) > 35
    coarse = [simulated.run(each, {"x": by_tensor}, tensors=True)["x"][:, 1] for each in feeds]
    assert noise_db(floats, coarse) < 10
    with pytest.raises(ValueError, match="by axis 1, and was to have one by axis -1"):
        Simulated(network, {"x": by_tensor}).run(feeds[0], {"x": by_axis})
