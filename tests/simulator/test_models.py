"""Real models, all the way through the compiler: sound programs that keep to floor and compulsory bytes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from compiler.npz import write_npz
from compiler.stages import (
    addr_mlir,
    cali_mlir,
    cali_table,
    canonical_mlir,
    lg_mlir,
    origin_mlir,
    sample_model,
    sample_onnx,
    tpu_mlir,
)
from simulator.bound import bounds
from simulator.checks.check import check
from simulator.memory import NUMPY
from simulator.model_file import Model, read
from simulator.profile import profile
from tests.simulator.checks.alone import check_races
from tests.simulator.checks.oracle import unordered, waits, without_wait
from tests.simulator.oracle.program import differing_bytes

MODELS = Path(__file__).parents[2] / "models"

Build = Callable[[str, str, str], tuple[onnx.ModelProto, Model]]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """`build(model, chip, mode)`: the network, and the program compiled from it."""
    root = tmp_path_factory.mktemp("models")

    @cache
    def made(name: str, chip: str, mode: str) -> tuple[onnx.ModelProto, Model]:
        front, back = root / name, root / f"{name}-{chip}-{mode}"
        if not front.exists():
            _front(front, name)
        shutil.copytree(front, back)
        for stage, inputs in (
            (tpu_mlir, ("canonical_mlir", "cali_mlir")),
            (lg_mlir, ("tpu_mlir",)),
            (addr_mlir, ("lg_mlir",)),
            (sample_model, ("addr_mlir",)),
        ):
            _run(back, stage, inputs, {"mode": mode, "chip": chip, "effort": 1, "seed": None})
        return onnx.load(back / "sample_onnx/sample.onnx"), read(back / "sample_model/sample.model")

    return made


def _front(root: Path, name: str) -> None:
    """The stages that all targets share, calibrated on noise."""
    (root / "model_file").mkdir(parents=True)
    shutil.copy(MODELS / f"{name}.onnx", root / "model_file/model.onnx")
    (root / "calibration_data").mkdir()
    noise = np.random.default_rng(0).random((4, 1, 28, 28), np.float32)
    write_npz(root / "calibration_data/calibration.npz", {"x": noise})
    _run(root, sample_onnx, ("model_file",), {"shapes": {}})
    _run(root, origin_mlir, ("sample_onnx",), {"name": name})
    _run(root, canonical_mlir, ("origin_mlir",), {})
    _run(root, cali_table, ("canonical_mlir", "calibration_data"), {"method": "max", "samples": 4, "bins": 256})
    _run(root, cali_mlir, ("canonical_mlir", "cali_table"), {})


def _run(root: Path, stage: Any, inputs: tuple[str, ...], params: Mapping[str, Any]) -> None:
    out = root / stage.__name__.rpartition(".")[2]
    out.mkdir(exist_ok=True)
    stage.run({name: root / name for name in inputs}, params, out)


@pytest.mark.parametrize("name", ["lenet_mnist", "resnet8"])
@pytest.mark.parametrize("chip", ["x64", "e8"])
@pytest.mark.parametrize("mode", ["f32", "bf16", "int8"])
def test_sound_and_within_what_is_possible(build: Build, name: str, chip: str, mode: str) -> None:
    network, model = build(name, chip, mode)
    assert check(model) == []
    costs, least = profile(model), bounds(network, mode, model.chip)
    assert costs.cycles >= least.floor
    assert costs.ddr_bytes >= least.compulsory
    assert costs.total.macs >= least.cube_macs + least.depthwise_macs
    assert costs.lmem_peak <= model.chip.lane_bytes


@pytest.mark.parametrize(("chip", "mode"), [("x32", "int8"), ("e8", "int8"), ("e8", "bf16")])
def test_a_program_leaves_the_bytes_of_the_second_implementation(build: Build, chip: str, mode: str) -> None:
    """All of them, in every memory of one core or two, on an input of noise."""
    _, model = build("lenet_mnist", chip, mode)
    assert len(model.cores) == model.chip.cores
    held = np.zeros(model.io_bytes, np.uint8)
    (entry,) = model.inputs
    noise = np.random.default_rng(1).random(entry.shape, np.float32)
    stored = (noise * 100).astype(NUMPY[entry.dtype]).reshape(-1).view(np.uint8)
    held[entry.offset : entry.offset + stored.size] = stored
    assert differing_bytes(model, held.tobytes()) == {}


@pytest.mark.parametrize("name", ["lenet_mnist", "resnet8"])
def test_every_necessary_wait_is_missed(build: Build, name: str) -> None:
    _, model = build(name, "e8", "bf16")
    necessary = 0
    for wait in waits(model):
        mutant = without_wait(model, *wait)
        if unordered(mutant):
            necessary += 1
            assert list(check_races(mutant)), f"{wait} is necessary, and its deletion wasn't seen"
        else:
            assert not list(check_races(mutant))
    assert necessary > 5
