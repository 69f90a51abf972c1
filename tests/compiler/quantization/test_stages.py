"""The stages cali_table and cali_mlir on a real front end."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xdsl.dialects.builtin import StringAttr

from compiler.dialects.quant import CalibratedType, Quant
from compiler.dialects.top.ops import Top
from compiler.feeds import BadData
from compiler.ir import files
from compiler.ir.network import name_of
from compiler.npz import write_npz
from compiler.quantization.table import DamagedTable, Entry, Table, read
from compiler.stages import cali_mlir, cali_table
from tests.compiler.quantization.networks import SHAPE, branching, canonical, logarithm

PARAMS = {"method": "max", "samples": 100, "bins": 2048}
SAMPLES = np.random.default_rng(1).normal(size=(6, *SHAPE[1:])).astype(np.float32)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return canonical(branching(), tmp_path_factory.mktemp("branching"))


def calibrate(network: Path, out: Path, data: dict[str, Any], **params: Any) -> dict[str, Any]:
    folder = out / "calibration_data"
    folder.mkdir()
    write_npz(folder / "calibration.npz", data)
    return cali_table.run({"canonical_mlir": network, "calibration_data": folder}, PARAMS | params, out)


def types(network: Path, table: Path, out: Path) -> dict[str, tuple[float, float]]:
    cali_mlir.run({"canonical_mlir": network, "cali_table": table}, {}, out)
    made = files.load(out, "cali", Top, Quant, weights_in=network)
    assert made.module.attributes["module.state"] == StringAttr("TOP_CALIBRATED")
    return {
        name_of(op): (element.minimum.data, element.maximum.data)
        for op in made.ops
        if op.results and isinstance(element := getattr(op.results[0].type, "element_type", None), CalibratedType)
    }


def test_ranges_are_those_of_the_whole_data(network: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def note(done: int, total: int) -> None:
        seen.append((done, total))

    folder = tmp_path / "calibration_data"
    folder.mkdir()
    write_npz(folder / "calibration.npz", {"x": SAMPLES})
    told = cali_table.run({"canonical_mlir": network, "calibration_data": folder}, PARAMS, tmp_path, note)
    found = read(tmp_path / "cali_table")
    assert list(found) == ["x", "b_Relu", "c_MaxPool", "d_Conv", "e_MaxPool", "f_Concat", "y_Transpose"]
    assert np.array(astuple(found["x"])[:3], np.float32).tolist() == [
        np.abs(SAMPLES).max(), SAMPLES.min(), SAMPLES.max(),
    ]  # fmt: skip
    assert found["b_Relu"].low == 0
    assert found["f_Concat"].threshold == max(found["c_MaxPool"].threshold, found["e_MaxPool"].threshold)
    assert (told["batches"], told["tensors"], told["saturating"]) == (6, 7, 0)
    assert seen == [(i, 6) for i in range(1, 7)]


def test_the_same_data_give_the_same_bytes(network: Path, tmp_path: Path) -> None:
    made: list[list[bytes]] = []
    for name in ("first", "second"):
        out = tmp_path / name
        out.mkdir()
        calibrate(network, out, {"x": SAMPLES}, method="kl")
        made.append([(out / file).read_bytes() for file in ("cali_table", "histograms.npz")])
    assert made[0] == made[1]


def test_fewer_samples_may_be_asked_for(network: Path, tmp_path: Path) -> None:
    assert calibrate(network, tmp_path, {"x": SAMPLES}, samples=2)["batches"] == 2
    assert np.float32(read(tmp_path / "cali_table")["x"].high) == SAMPLES[:2].max()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"z": SAMPLES}, r"no data for input x; it has z"),
        ({"x": SAMPLES[:, :1]}, r"input 'x' has samples of \[1, 6, 6\], the model wants \[2, 6, 6\]"),
        ({"x": SAMPLES[:0]}, r"too few samples"),
        ({"x": np.where(np.arange(6).reshape(-1, 1, 1, 1) == 4, np.nan, SAMPLES)}, r"input 'x', sample 4 has NaN"),
    ],
)
def test_data_that_does_not_fit_is_named(network: Path, tmp_path: Path, data: dict[str, Any], message: str) -> None:
    with pytest.raises(BadData, match=rf"calibration\.npz.*{message}"):
        calibrate(network, tmp_path, data)
    assert not (tmp_path / "cali_table").exists()


def test_a_tensor_that_turns_nan_is_named(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(BadData, match=r"tensor 'y_Log' in batch 0: not every value is finite"):
        calibrate(canonical(logarithm(), tmp_path), out, {"x": SAMPLES})


def test_types_carry_the_ranges_and_share_them(network: Path, tmp_path: Path) -> None:
    calibrate(network, tmp_path, {"x": SAMPLES})
    found, entries = types(network, tmp_path, tmp_path), read(tmp_path / "cali_table")
    activated, branch = entries["b_Relu"], entries["d_Conv"]
    assert found["b_Relu"] == found["c_MaxPool"] == (0.0, activated.high)
    assert found["d_Conv"] == found["e_MaxPool"] == (branch.low, branch.high)
    joined = (branch.low, max(branch.high, activated.high))
    assert found["f_Concat"] == found["y_Transpose"] == joined
    assert found.keys() == entries.keys()


def test_a_threshold_cuts_the_ends_that_it_does_not_hold(network: Path, tmp_path: Path) -> None:
    entries = {"x": Entry(2, -0.25, 3), "b_Relu": Entry(5, 6, 7), "d_Conv": Entry(2, -3, -0.5)}
    Table(entries, "n", "kl", 256, 1).write(tmp_path / "cali_table")
    found = types(network, tmp_path, tmp_path)
    assert (found["x"], found["b_Relu"], found["d_Conv"]) == ((-0.25, 2), (5, 5), (-2, -0.5))


def test_a_tensor_left_out_of_the_table_stays_float(network: Path, tmp_path: Path) -> None:
    Table({"x": Entry(1, -1, 1), "d_Conv": Entry(2, -2, 2)}, "n", "max", 256, 1).write(tmp_path / "cali_table")
    assert set(types(network, tmp_path, tmp_path)) == {"x", "d_Conv", "e_MaxPool"}


def test_a_table_of_another_network_is_refused(network: Path, tmp_path: Path) -> None:
    Table({"nowhere": Entry(1, -1, 1)}, "n", "max", 256, 1).write(tmp_path / "cali_table")
    with pytest.raises(DamagedTable, match="'nowhere', which isn't a tensor of the network"):
        types(network, tmp_path, tmp_path)
    assert not (tmp_path / "cali.mlir").exists()


def test_the_function_returns_the_calibrated_type(network: Path, tmp_path: Path) -> None:
    calibrate(network, tmp_path, {"x": SAMPLES})
    types(network, tmp_path, tmp_path)
    made = files.load(tmp_path, "cali", Top, Quant, weights_in=network)
    returned = made.main.function_type.outputs.data[0]
    assert isinstance(getattr(returned, "element_type", None), CalibratedType)
