"""A conversion that computes something else than its framework isn't taken."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from compiler.frontends.agree import difference, drawn
from compiler.frontends.foreign import Converted, Disagrees, Feeds
from tests.assets.zoo import nets


def _framework(feeds: Feeds, weight: float = 1, bias: float = 0, results: int = 1) -> list[NDArray[Any]]:
    """The dense net of `nets`, by numpy."""
    table = np.random.default_rng(0).standard_normal((8, 4)).astype(np.float32)
    return [np.maximum(feeds["x"] @ table * weight + bias, 0)] * results


def test_sums_in_another_order_are_no_difference() -> None:
    model = nets.dense((1, 8))
    feeds = drawn(model, {})
    assert feeds is not None
    assert difference(Converted(model, _framework), feeds) < 1e-6


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"weight": 1.01}, "of their norm from the framework's, above 0.001"),
        ({"bias": float("nan")}, "of their norm from the framework's"),
        ({"results": 2}, r"have the shapes \[\[1, 4\], \[1, 4\]\], the ONNX model's \[\[1, 4\]\]"),
    ],
)
def test_other_results_are_refused(changed: dict[str, Any], said: str) -> None:
    model = nets.dense((1, 8))
    feeds = drawn(model, {})
    assert feeds is not None
    with pytest.raises(Disagrees, match=said):
        difference(Converted(model, partial(_framework, **changed)), feeds)


def test_a_dynamic_batch_is_one_and_other_extents_have_to_be_said() -> None:
    batch, length = nets.dense(("n", 8)), nets.dense(("n", "length", 8))
    made = drawn(batch, {}), drawn(length, {}), drawn(length, {"x": [2, 5, 8]})
    assert [None if feeds is None else feeds["x"].shape for feeds in made] == [(1, 8), None, (2, 5, 8)]
