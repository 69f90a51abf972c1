"""Method `auto`: no worse on held-out samples than one method for all, and better where one cannot serve all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compiler.dialects.quant import UniformType
from compiler.dialects.top.ops import Top
from compiler.ir import files
from compiler.npz import write_npz
from compiler.quantization.auto import Search, samples_for
from compiler.quantization.loss import Loss, parts_of
from compiler.quantization.simulated import Simulated
from compiler.quantization.simulated_model import Choice
from compiler.quantization.table import read
from compiler.stages import cali_table
from tests.compiler.quantization.networks import SHAPE, branching, canonical

FEEDS = [{"x": x[None]} for x in np.random.default_rng(1).normal(size=(16, *SHAPE[1:])).astype(np.float32)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return canonical(branching(), tmp_path_factory.mktemp("branching"))


def candidates() -> dict[str, Choice]:
    """One method is right about one branch, the other about the other."""
    fine, coarse = UniformType.per_tensor(0.25), UniformType.per_tensor(2.0)
    return {"left": {"b_Relu": fine, "d_Conv": coarse}, "right": {"b_Relu": coarse, "d_Conv": fine}}


@pytest.mark.parametrize("runs", [0, 24, 400])
def test_the_best_of_both_is_taken_and_never_worse_than_one(folder: Path, runs: int) -> None:
    network, by_method = files.load(folder, "canonical", Top), candidates()
    simulated = Simulated(network, by_method["left"], contractions=())
    wanted = [simulated.run(each, {}) for each in FEEDS]
    search = Search(simulated, parts_of(network), by_method, FEEDS, wanted, runs)
    methods = search.best()

    def noise(types: Choice) -> float:
        losses = [Loss(parts_of(network)) for _ in FEEDS[1::2]]
        for loss, feeds, true in zip(losses, FEEDS[1::2], wanted[1::2], strict=True):
            loss.add(true, simulated.run(feeds, types))
        return -float(np.mean([loss.sqnr_db for loss in losses]))

    made = noise({name: by_method[method][name] for name, method in methods.items()})
    assert made <= min(map(noise, by_method.values())) + 1e-9
    if runs == 400:
        assert methods == {"b_Relu": "left", "d_Conv": "right"}


def test_samples_are_spread_and_bounded() -> None:
    assert samples_for(24, 6, 100) == [0, 25, 50, 75]
    assert samples_for(10**6, 6, 1000) == [i * 1000 // 64 for i in range(64)]
    assert samples_for(24, 6, 1) == [0]


@pytest.mark.parametrize("mode", ["int8", "int8a"])
def test_the_stage_says_which_methods_serve_and_writes_the_same_each_time(
    folder: Path, mode: str, tmp_path: Path
) -> None:
    data = tmp_path / "calibration_data"
    data.mkdir()
    write_npz(data / "calibration.npz", {"x": np.concatenate([each["x"] for each in FEEDS])})
    inputs, made = {"canonical_mlir": folder, "calibration_data": data}, list[bytes]()
    for name in ("first", "second"):
        (out := tmp_path / name).mkdir()
        told = cali_table.run(inputs, {"method": "auto", "samples": 16, "bins": 2048, "mode": mode}, out)
        assert sum(told["serves"].values()) == told["tensors"] == len(read(out / "cali_table")) == 7
        made.append((out / "cali_table").read_bytes())
    assert made[0] == made[1]
