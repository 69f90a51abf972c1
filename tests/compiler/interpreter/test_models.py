"""The committed models in every number format, interpreted, against onnxruntime on the ONNX file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest

from compiler import opt
from compiler.frontends.onnx.load import load
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.session import Session
from compiler.frontends.onnx.to_top.read import read
from compiler.interpreter.results import results
from compiler.ir.network import Array, Network
from compiler.lowering.walk import FORMATS, lower
from tests.compiler.lowering.networks import calibrate, reference

MODELS = sorted((Path(__file__).parents[3] / "models").glob("*.onnx"))
DECIBELS = {"f32": 110, "f16": 50, "bf16": 35, "int8": 25, "int8a": 27, "mix": 25}
"""Signal to noise that every tensor must reach."""
SHORT = {("resnet8_fashion", "int8a"): 0.5}
"""How much less it may be for a model, by model and mode."""


@cache
def sample(path: Path) -> onnx.ModelProto:
    return prepare(load(path), {})


def canonical(path: Path) -> Network:
    network = read(sample(path), path.stem)
    opt.run(network, opt.passes(",".join(opt.PASSES)))
    return network


def expected(path: Path, feeds: dict[str, Array]) -> dict[str, Array]:
    """Every tensor of the ONNX file under its Top name."""
    model = onnx.ModelProto()
    model.CopyFrom(sample(path))
    names = {name: f"{name}_{node.op_type}" for node in model.graph.node for name in node.output}
    known = {value.name for value in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    made = Session(model).run(feeds)
    return {tensor: made[name] for name, tensor in names.items()}


def drawn(model: onnx.ModelProto) -> dict[str, Array]:
    """Smooth pictures, four equal pixels by four; seeded numbers for inputs that aren't pictures."""
    rng, made = np.random.default_rng(0), dict[str, Array]()
    for name, dims in Session(model).inputs.items():
        coarse = (*dims[:2], dims[2] // 4, dims[3] // 4) if len(dims) == 4 else dims
        values = rng.uniform(0, 1, coarse)
        made[name] = (values.repeat(4, 2).repeat(4, 3) if len(dims) == 4 else values).astype(np.float32)
    return made


def noise(reference: Array, found: Array) -> float:
    """Signal to noise in dB."""
    error = np.sum((reference.astype(np.float64) - found) ** 2) + 1e-300
    return float(10 * np.log10(np.sum(reference.astype(np.float64) ** 2) / error))


@pytest.mark.parametrize("mode", FORMATS)
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_tensor_is_near_the_model(path: Path, mode: str) -> None:
    network = canonical(path)
    feeds = drawn(sample(path))
    whole = expected(path, feeds)
    calibrate(network, reference(network, feeds), {})
    lower(network, mode)
    found = results(network, feeds)
    made = [name for name, meaning in found.meanings.items() if not meaning.internal and name not in feeds]
    shown = [name for name in made if name in whole]
    # What an op is composed of, such as a step of an LSTM, is called after it.
    assert all(any(name.startswith(f"{op}_") for op in whole) for name in made if name not in whole)
    assert shown
    assert min(noise(whole[name], found.real(name)) for name in shown) > DECIBELS[mode] - SHORT.get(
        (path.stem, mode), 0
    )


def test_there_are_models() -> None:
    assert {"lenet_mnist", "resnet8"} <= {path.stem for path in MODELS}
