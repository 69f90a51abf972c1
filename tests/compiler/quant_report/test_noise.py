"""Local and accumulated noise against direct computation."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from compiler.comparison import CEILING_DB, compare
from compiler.dialects.quant import Quant
from compiler.dialects.structure import Structure
from compiler.dialects.top.ops import Top
from compiler.dialects.tpu.ops import Tpu
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.interpreter.results import results
from compiler.ir import files
from compiler.ir.network import Network, name_of
from compiler.ir.storage import scale
from compiler.npz import read_npz
from compiler.quant_report.noise import decibels, measured, sums
from compiler.results import Results
from tests.compiler.quant_report.nets import lowered, plain

Array = NDArray[Any]
FLOATS = arrays(np.float32, st.integers(1, 40), elements=st.floats(-1e4, 1e4, width=32))


class Chain:
    """The small network, lowered and in float."""

    def __init__(self, root: Path) -> None:
        lowered(root, plain(3))
        self.session = Reference(files.load(root / "canonical_mlir", "canonical", Top), threads=1)
        self.network: Network = files.load(root / "tpu_mlir", "tpu", Structure, Tpu, Quant)
        self.weights = read_npz(root / "canonical_mlir" / "canonical_weights.npz")
        self.steps = {name_of(v): scale(v) for op in self.network.ops for v in op.results if "quant" in str(v.type)}


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("chain"))


@given(FLOATS, st.floats(-3, 3, width=32))
def test_sums_are_those_of_numpy(wanted: Array, shift: float) -> None:
    made = wanted * np.float32(0.75) + np.float32(shift)
    signal, noise, furthest = sums(made, wanted)
    apart = made.astype(np.float64) - wanted
    assert signal == pytest.approx(float((wanted.astype(np.float64) ** 2).sum()))
    assert noise == pytest.approx(float((apart**2).sum()))
    assert furthest == np.abs(apart).max()


@given(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9))
def test_decibels_turn_their_sign_with_the_ratio_and_stay_finite(signal: float, noise: float) -> None:
    assert decibels(signal, noise) == pytest.approx(-decibels(noise, signal))
    assert decibels(signal, 0) == CEILING_DB
    assert decibels(0, noise) == -CEILING_DB
    assert math.isclose(decibels(100 * noise, noise), 20)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.25, 1.5), st.integers(1, 3))
def test_accumulated_noise_is_what_comparing_the_runs_says(chain: Chain, seed: int, size: float, count: int) -> None:
    rng = np.random.default_rng(seed)
    feeds = [{"x": (size * rng.normal(size=(1, 4, 8, 8))).astype(np.float32)} for _ in range(count)]
    found = measured(chain.network, chain.session, feeds)
    both = [(results(chain.network, each), Results(each | chain.session.run(each), {})) for each in feeds]
    assert list(found) == ["x", "one_Conv", "two_Conv", "three_Conv"]
    for name, noise in found.items():
        made = np.stack([run.real(name) for run, _ in both]).astype(np.float64)
        true = np.stack([exact.arrays[name] for _, exact in both]).astype(np.float64)
        assert noise.total_db == pytest.approx(10 * np.log10((true**2).sum() / ((made - true) ** 2).sum()), abs=1e-4)
        assert noise.elements == true.size
    if count == 1:
        rows = {row.tensor: row.sqnr_db for row in compare(*both[0], ("tpu", "top"))}
        assert rows == pytest.approx({name: noise.total_db for name, noise in found.items()}, abs=1e-4)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.25, 1.5))
def test_local_noise_is_that_of_the_op_on_exact_operands_rounded(chain: Chain, seed: int, size: float) -> None:
    x = (size * np.random.default_rng(seed).normal(size=(1, 4, 8, 8))).astype(np.float32)
    exact = {"x": x} | chain.session.run({"x": x})
    found = measured(chain.network, chain.session, [{"x": x}])
    # The last convolution is 1 × 1: its filter by output channel in steps of max|w| / 127, on rounded operands.
    filters = next(array for array in chain.weights.values() if array.shape == (4, 6, 1, 1)).reshape(4, 6)
    step = np.abs(filters).max(1, keepdims=True) / 127
    rounded = np.rint(filters.astype(np.float64) / step) * step
    operand = _rounded(exact["two_Conv"], chain.steps["two_Conv"]).reshape(6, -1)
    made = _rounded(rounded @ operand, chain.steps["three_Conv"])
    true = exact["three_Conv"].reshape(4, -1).astype(np.float64)
    wanted = 10 * np.log10((true**2).sum() / ((made - true) ** 2).sum())
    assert found["three_Conv"].local_db == pytest.approx(wanted, abs=0.1)
    assert found["x"].local_db == found["x"].total_db
    assert found["one_Conv"].local == pytest.approx(found["one_Conv"].total)


def _rounded(values: Array, step: float) -> Array:
    return np.clip(np.rint(values.astype(np.float64) / step), -128, 127) * step
