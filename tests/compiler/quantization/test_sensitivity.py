"""Losses by part of a result, and what one layer costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compiler.dialects.quant import UniformType
from compiler.dialects.top.ops import Top
from compiler.ir import files
from compiler.quantization.loss import Loss, Part, parts_of
from compiler.quantization.sensitivity import sensitivity
from compiler.quantization.simulated import Simulated
from tests.compiler.quantization.networks import SHAPE, branching, canonical

FEEDS = [{"x": x[None]} for x in np.random.default_rng(1).normal(size=(3, *SHAPE[1:])).astype(np.float32)]


def test_a_small_part_counts_as_much_as_a_large_one() -> None:
    loss = Loss([Part("y", 1, 0, 2), Part("y", 1, 2, 3)])
    true = np.array([[100.0, 100.0, 1.0]])
    loss.add({"y": true}, {"y": true + [[0, 0, 1]]})
    assert loss.share == pytest.approx(0.5)
    assert loss.sqnr_db == pytest.approx(3.01, abs=0.01)


def test_the_coarsest_layer_costs_most(tmp_path: Path) -> None:
    network = files.load(canonical(branching(), tmp_path), "canonical", Top)
    names = ("x", "b_Relu", "d_Conv", "y_Transpose")
    types = {name: UniformType.per_tensor(6.0 if name == "d_Conv" else 0.25) for name in names}
    found = {each.tensor: each for each in sensitivity(Simulated(network, types), parts_of(network), FEEDS)}
    assert found["d_Conv"].alone_db < found["y_Transpose"].alone_db
    assert found["d_Conv"].without_db > found["x"].without_db
    assert list(found) == list(names)
