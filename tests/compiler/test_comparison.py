"""Likeness on numbers worked out by hand, and matching that is complete or an error."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from compiler.comparison import CEILING_DB, FARTHEST, Incomplete, Row, compare, failures
from compiler.results import Meaning, Results
from compiler.stages import comparison

Array = NDArray[Any]
NAMES = ("later", "earlier")


def floats(*values: float) -> Array:
    return np.array(values, np.float32)


def results(**arrays: Array) -> Results:
    return Results(dict(arrays), {})


def row(a: Array, b: Array) -> Row:
    return compare(results(y=a), results(y=b), NAMES)[0]


def test_what_an_op_is_composed_of_may_lack_a_partner() -> None:
    later = Results({"y_GRU_x0_Slice": np.ones(3, np.float32), "y_GRU": np.ones(2, np.float32)}, {})
    earlier = Results({"y_GRU": np.ones(2, np.float32)}, {})
    assert [row.tensor for row in compare(later, earlier, ("top", "onnx"), composed=True)] == ["y_GRU"]
    with pytest.raises(Incomplete, match="'y_GRU_x0_Slice'"):
        compare(later, earlier, ("tpu", "top"))
    alone = Results({"z": np.ones(3, np.float32), **later.arrays}, {})
    with pytest.raises(Incomplete, match="have no partner in onnx: 'z'"):
        compare(alone, earlier, ("top", "onnx"), composed=True)


def test_likeness_of_a_known_pair() -> None:
    got = row(floats(3, 3), floats(3, 4))
    assert got.cosine == pytest.approx(21 / (5 * 18**0.5))
    assert got.euclid == pytest.approx(1 - 1 / (9 + 3.5**2) ** 0.5)
    assert got.sqnr_db == pytest.approx(10 * np.log10(25 / 1))
    assert (got.max_error, got.elements) == (1, 2)


@pytest.mark.parametrize(
    ("a", "b", "cosine", "sqnr_db", "max_error"),
    [
        ([np.nan, 1, np.inf], [np.nan, 1, np.inf], 1, CEILING_DB, 0),
        ([0, 0], [0, 0], 1, CEILING_DB, 0),
        ([1, np.nan], [1, 1], 0, -CEILING_DB, FARTHEST),
        ([1, 1], [1, np.inf], 0, -CEILING_DB, FARTHEST),
        ([np.inf, 1], [-np.inf, 1], 0, -CEILING_DB, FARTHEST),
        ([0, 0], [0, 1], 0, 0, 1),
        ([0, 1], [0, 0], 0, -CEILING_DB, 1),
        ([1, -1], [-1, 1], -1, 10 * np.log10(1 / 4), 2),
    ],
)
def test_edges(a: list[float], b: list[float], cosine: float, sqnr_db: float, max_error: float) -> None:
    got = row(floats(*a), floats(*b))
    assert (got.cosine, got.sqnr_db, got.max_error) == pytest.approx((cosine, sqnr_db, max_error))


def test_bytes_are_those_stored() -> None:
    assert row(floats(1, 2), floats(1, -2)).mismatched_bytes == 1
    assert row(floats(0.0), floats(-0.0)).mismatched_bytes == 1
    half = np.array([1, 2], ml_dtypes.bfloat16)
    assert row(half, half.copy()).mismatched_bytes == 0
    assert row(half, floats(1, 3)).mismatched_bytes == 1


def test_stored_integers_are_compared_as_the_numbers_they_mean() -> None:
    later = Results({"y": np.array([3, 5], np.int8)}, {"y": Meaning("int8", 0.5, 1)})
    assert compare(later, results(y=floats(1, 2)), NAMES)[0].max_error == 0


def test_extents_may_differ_but_not_sizes() -> None:
    assert row(floats(1, 2).reshape(1, 2), floats(1, 2)).max_error == 0
    with pytest.raises(Incomplete, match=r"'y' is \[2\] in later, \[3\] in earlier"):
        row(floats(1, 2), floats(1, 2, 3))


def test_a_tensor_without_a_partner_is_an_error_unless_lowering_made_it() -> None:
    later = Results({"y": floats(1), "t": floats(2)}, {"t": Meaning("float32", internal=True)})
    assert [r.tensor for r in compare(later, results(y=floats(1)), NAMES)] == ["y"]
    later.meanings.clear()
    with pytest.raises(Incomplete, match=r"1 tensor\(s\) of later have no partner in earlier: 't'"):
        compare(later, results(y=floats(1)), NAMES)
    earlier = results(y=floats(1), z=floats(1))
    assert len(compare(results(y=floats(1)), earlier, NAMES)) == 1
    with pytest.raises(Incomplete, match=r"of earlier have no partner in later: 'z'"):
        compare(results(y=floats(1)), earlier, NAMES, both_ways=True)


def test_a_folded_tensor_is_not_missed(tmp_path: Path) -> None:
    """Also not after the run was written and read."""
    later = results(y=floats(1))
    later.meanings["y"] = Meaning("float32", folds=("x",))
    later.save(tmp_path, "later")
    earlier = results(x=floats(3), y=floats(1))
    made = compare(Results.load(tmp_path, "later"), earlier, NAMES, both_ways=True)
    assert [row.tensor for row in made] == ["y"]
    earlier.arrays["z"] = floats(2)
    with pytest.raises(Incomplete, match=r"1 tensor.*have no partner in later: 'z'"):
        compare(later, earlier, NAMES, both_ways=True)


def test_types_are_held_to_where_asked() -> None:
    a, b = results(y=np.array([1], np.int8)), results(y=np.array([1], np.uint8))
    assert compare(a, b, NAMES)[0].mismatched_bytes == 0
    with pytest.raises(Incomplete, match="'y' is int8 in later, uint8 in earlier"):
        compare(a, b, NAMES, stored=True)


def test_nothing_compared_is_an_error() -> None:
    internal = Results({"t": floats(1)}, {"t": Meaning("float32", internal=True)})
    with pytest.raises(Incomplete, match="0 compared"):
        compare(internal, results(y=floats(1)), NAMES)


def test_bounds_go_their_way_and_misspelt_ones_are_refused() -> None:
    rows = [row(floats(3, 3), floats(3, 4))]
    assert failures(rows, {"cosine": 0.98, "max_error": 1, "accuracy_drop": 0}) == []
    assert failures(rows, {"cosine": 0.999}) == ["later 'y': cosine 0.989949, wanted at least 0.999"]
    assert len(failures(rows, {"max_error": 0.5, "sqnr_db": 20, "mismatched_bytes": 0})) == 3
    with pytest.raises(ValueError, match="no tolerance cosin;"):
        failures(rows, {"cosin": 0.9})


def chain(tmp_path: Path, **chip: Array) -> dict[str, Path]:
    """The four results of a network x → y whose lowering put in t."""
    meanings = {"y": Meaning("int8", 0.5, 1), "t": Meaning("int8", 1.0, 0, internal=True), "x": Meaning("float32")}
    lowered = {"x": floats(4), "t": np.array([1, 1], np.int8), "y": np.array([3, 5], np.int8)}
    runs = {
        "onnx": results(x=floats(4), fused=floats(9), y=floats(1, 2)),
        "top": results(x=floats(4), y=floats(1, 2.25)),
        "tpu": Results(lowered, meanings),
        "chip": Results(lowered | chip, meanings),
    }
    for name, run in runs.items():
        run.save(tmp_path, f"{name}_results")
    return {f"{name}_results": tmp_path for name in runs}


def test_the_stage_tells_of_all_pairs(tmp_path: Path) -> None:
    told = comparison.run(chain(tmp_path), {"tolerance": {"cosine": 0.9}}, tmp_path)
    assert (told["tensors"], told["compared"], told["mismatched_bytes"], told["passed"]) == (3, 7, 0, True)
    assert told["worst_tensor"] == "y"
    with (tmp_path / "comparison.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["later"], r["tensor"]) for r in rows] == [
        ("top", "x"), ("top", "y"), ("tpu", "x"), ("tpu", "y"), ("chip", "x"), ("chip", "t"), ("chip", "y"),
    ]  # fmt: skip
    listed = json.loads((tmp_path / "comparison.json").read_text())["rows"]
    shown = sorted((row for row in listed if row["later"] != "top"), key=lambda row: row["sqnr_db"])
    assert [{key: row[key] for key in told["table"][0]} for row in shown] == told["table"]


def test_the_stage_counts_the_chips_wrong_bytes(tmp_path: Path) -> None:
    told = comparison.run(chain(tmp_path, t=np.array([1, 2], np.int8)), {"tolerance": {"cosine": 0.999}}, tmp_path)
    assert (told["mismatched_bytes"], told["mismatched_tensors"]) == (1, 1)
    assert (told["passed"], len(told["failed"])) == (False, 2)


@pytest.mark.parametrize("tabled", [True, False])
def test_what_tables_alone_read_is_told_but_not_judged(tabled: bool, tmp_path: Path) -> None:
    inputs = chain(tmp_path)
    tpu = Results.load(tmp_path, "tpu_results")
    tpu.arrays["x"], tpu.meanings["x"] = floats(-4), Meaning("float32", tabled=tabled)
    tpu.save(tmp_path, "tpu_results")
    told = comparison.run(inputs, {"tolerance": {"cosine": 0.9}}, tmp_path)
    assert told["passed"] == tabled
    assert told["worst_tensor"] == ("y" if tabled else "x")
    assert "x" in [shown["tensor"] for shown in told["table"]]


def test_the_stage_wants_every_tensor(tmp_path: Path) -> None:
    with pytest.raises(Incomplete, match="of chip have no partner in tpu: 'extra'"):
        comparison.run(chain(tmp_path, extra=floats(1)), {"tolerance": {}}, tmp_path)
    assert not (tmp_path / "comparison.csv").exists()


def test_extents_that_depend_on_the_data_may_differ_but_not_on_the_chip() -> None:
    dynamic = {"w": Meaning("int64", dynamic=True), "y": Meaning("float32")}
    long = Results({"w": np.arange(4), "y": np.ones(2, np.float32)}, dynamic)
    short = Results({"w": np.arange(3), "y": np.ones(2, np.float32)}, dynamic)
    assert [row.tensor for row in compare(long, short, ("tpu", "top"))] == ["y"]
    with pytest.raises(Incomplete, match=r"tensor 'w' is \[4\] in chip, \[3\] in tpu"):
        compare(long, short, ("chip", "tpu"), stored=True)


def test_texts_are_the_same_or_not(tmp_path: Path) -> None:
    one, other = (
        Results({"t": np.array(words, np.object_)}, {"t": Meaning("object")}) for words in (["a", "bc"], ["a", "d"])
    )
    one.save(tmp_path, "texts")
    (same,), (differing,) = (compare(Results.load(tmp_path, "texts"), run, ("a", "b")) for run in (one, other))
    assert (same.mismatched_bytes, same.cosine) == (0, 1.0)
    assert (differing.mismatched_bytes, differing.cosine) == (1, 0.0)
