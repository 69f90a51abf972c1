"""Similarity on numbers worked out by hand, and matching that is complete or an error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from compiler.comparison import EXACT_DB, Incomparable, compare, mismatched_bytes, similarity, summary
from compiler.metrics import UnknownMetric, metric_named
from compiler.results import Meaning, Results


def floats(*values: float) -> NDArray[Any]:
    return np.array(values, np.float32)


def results(**arrays: NDArray[Any]) -> Results:
    return Results(dict(arrays), {})


def test_similarity_of_a_known_pair() -> None:
    got = similarity(floats(3, 4), floats(3, 3))
    assert got.cosine == pytest.approx(21 / (5 * 18**0.5))
    assert got.euclid == pytest.approx(1 - 1 / (9 + 3.5**2) ** 0.5)
    assert got.sqnr_db == pytest.approx(10 * np.log10(25))
    assert got.max_error == 1


def test_equal_tensors_are_exact_even_with_nan_and_a_nan_alone_is_not() -> None:
    same = floats(np.nan, 1, np.inf)
    assert similarity(same, same.copy()).sqnr_db == EXACT_DB
    assert similarity(floats(1, 1), floats(1, np.nan)).cosine == 0
    assert similarity(floats(0, 0), floats(0, 0)).cosine == 1
    assert similarity(floats(0, 0), floats(0, 1)).cosine == 0


def test_bytes_are_counted_and_types_must_agree() -> None:
    assert mismatched_bytes(floats(1, 2), floats(1, -2)) == 1
    assert mismatched_bytes(floats(0.0), floats(-0.0)) == 1
    with pytest.raises(Incomparable, match="float32"):
        mismatched_bytes(floats(1), np.array([1], np.float16))


def quantised(values: list[int], internal: bool = False) -> tuple[NDArray[Any], Meaning]:
    return np.array(values, np.int8), Meaning("int8", 0.5, 1, internal)


def chain() -> tuple[Results, Results, Results, Results]:
    y, y_meaning = quantised([3, 5])
    t, t_meaning = quantised([1, 1], internal=True)
    tpu = Results({"t": t, "y": y}, {"y": y_meaning, "t": t_meaning})
    return results(x=floats(1), y=floats(1, 2)), results(y=floats(1, 2)), tpu, Results(dict(tpu.arrays), tpu.meanings)


def test_a_row_for_every_tensor_and_internal_ones_by_bytes_alone() -> None:
    rows = compare(*chain())
    assert [(r.tensor, r.mismatched_bytes, r.cosine) for r in rows] == [("t", 0, None), ("y", 0, 1.0)]
    assert summary(rows, ["y"], {"cosine": 0.99})["passed"]


@pytest.mark.parametrize(
    ("stage", "name", "says"), [(0, "y", "ONNX"), (1, "y", "Top"), (2, "y", "TPU"), (3, "t", "chip")]
)
def test_a_tensor_without_a_partner_is_an_error(stage: int, name: str, says: str) -> None:
    stages = chain()
    del stages[stage].arrays[name]
    with pytest.raises(Incomparable, match=says):
        compare(*stages)


def test_the_first_bad_tensor_is_named() -> None:
    onnx, top, tpu, chip = chain()
    chip.arrays["t"] = np.array([1, 2], np.int8)
    got = summary(compare(onnx, top, tpu, chip), ["y"], {})
    assert (got["first_bad_tensor"], got["mismatched_bytes"]) == ("t", 1)
    tpu.arrays["y"] = chip.arrays["y"] = np.array([127, 5], np.int8)
    got = summary(compare(onnx, top, tpu, chip), ["y"], {"cosine": 0.999})
    assert not got["passed"]


def test_nothing_compared_is_no_pass_and_a_misspelt_tolerance_is_an_error() -> None:
    with pytest.raises(Incomparable, match="no tensor"):
        summary([], ["y"], {})
    with pytest.raises(Incomparable, match="cosin"):
        summary(compare(*chain()), ["y"], {"cosin": 0.9})


def test_top1_counts_the_label_and_unknown_metrics_are_listed() -> None:
    scores = np.array([[0, 2, 1], [5, 0, 5]], np.float32)
    assert metric_named("top1")([scores], np.array([1, 2])).tolist() == [1, 0]
    with pytest.raises(UnknownMetric, match="top1"):
        metric_named("top9")
