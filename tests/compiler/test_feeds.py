"""What a model may be fed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from compiler.feeds import BadData, first_samples
from compiler.npz import write_npz


def saved(tmp_path: Path, **arrays: NDArray[np.float32]) -> Path:
    path = tmp_path / "evaluation.npz"
    write_npz(path, arrays)
    return path


def test_the_first_samples_make_a_batch(tmp_path: Path) -> None:
    samples = np.arange(24, dtype=np.float64).reshape(4, 2, 3)
    batch = first_samples(saved(tmp_path, x=samples.astype(np.float32)), {"x": (2, 2, 3)})
    assert batch["x"].dtype == np.float32
    assert batch["x"].tolist() == samples[:2].tolist()


def test_an_absent_input_is_named_with_what_there_is(tmp_path: Path) -> None:
    path = saved(tmp_path, image=np.zeros((1, 3), np.float32))
    with pytest.raises(BadData, match=r"evaluation\.npz has no data for input x; it has image"):
        first_samples(path, {"x": (1, 3)})


@pytest.mark.parametrize("dims", [(1, 4), (3, 3), (1, 3, 1)])
def test_samples_that_do_not_fit(tmp_path: Path, dims: tuple[int, ...]) -> None:
    with pytest.raises(BadData, match=r"'x' has samples \[2, 3\]; the model wants"):
        first_samples(saved(tmp_path, x=np.zeros((2, 3), np.float32)), {"x": dims})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    with pytest.raises(BadData, match="'x' has NaN or infinity"):
        first_samples(saved(tmp_path, x=np.full((2, 3), value, np.float32)), {"x": (1, 3)})
