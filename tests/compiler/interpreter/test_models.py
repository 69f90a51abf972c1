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


def noise(reference: Array, found: Array) -> float:
    """Signal to noise in dB."""
    error = np.sum((reference.astype(np.float64) - found) ** 2) + 1e-300
    return float(10 * np.log10(np.sum(reference.astype(np.float64) ** 2) / error))


@pytest.mark.parametrize("mode", FORMATS)
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_tensor_is_near_the_model(path: Path, mode: str) -> None:
    network = canonical(path)
    smooth = np.random.default_rng(0).uniform(0, 1, (1, 1, 7, 7)).repeat(4, 2).repeat(4, 3)
    feeds: dict[str, Array] = {"x": smooth.astype(np.float32)}
    whole = expected(path, feeds)
    calibrate(network, reference(network, feeds), {})
    lower(network, mode)
    found = results(network, feeds)
    shown = [name for name, meaning in found.meanings.items() if not meaning.internal and name not in feeds]
    assert set(shown) <= whole.keys()
    assert min(noise(whole[name], found.real(name)) for name in shown) > DECIBELS[mode]


def test_there_are_models() -> None:
    assert {"lenet_mnist", "resnet8"} <= {path.stem for path in MODELS}
