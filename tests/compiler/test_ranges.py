"""The census of a run's numbers, strange ones among them."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from compiler.ranges import census
from compiler.results import Meaning, Results
from compiler.shown import ROWS


def test_numbers_that_are_none_are_counted_and_come_first() -> None:
    strange = np.array([1, np.nan, np.inf, -np.inf, -5], np.float32)
    told = census(Results({"fine": np.array([7.0, -9.0], np.float32), "strange": strange}, {}))
    assert (told["nan"], told["inf"], told["least"], told["greatest"]) == (1, 2, -9.0, 7.0)
    assert told["table"][0] == {
        "tensor": "strange", "shape": "5", "type": "float32", "least": -5.0, "greatest": 1.0, "nan": 1, "inf": 2,
    }  # fmt: skip


def test_stored_integers_are_told_as_the_real_numbers_they_mean() -> None:
    stored = np.array([[-128, 127]], np.int8)
    told = census(Results({"x": stored}, {"x": Meaning("int8", 0.5, -128)}))
    assert (told["bytes"], told["least"], told["greatest"]) == (2, 0.0, 127.5)


def test_halves_and_empty_tensors() -> None:
    wide = np.array([3.3895313892515355e38, -1], ml_dtypes.bfloat16)
    told = census(Results({"b": wide, "none": np.zeros((0, 4), np.float32)}, {"b": Meaning("bfloat16")}))
    assert told["greatest"] == 3.3895313892515355e38
    assert (told["nan"], told["inf"]) == (0, 0)


def test_of_many_tensors_those_that_reach_furthest_are_shown() -> None:
    told = census(Results({f"t{i}": np.array([float(i)], np.float32) for i in range(ROWS + 15)}, {}))
    assert [row["tensor"] for row in told["table"]] == [f"t{i}" for i in range(ROWS + 14, 14, -1)]
    assert told["greatest"] == ROWS + 14
