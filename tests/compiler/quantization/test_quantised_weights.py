from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compiler.quantization.quantised_weights import FLOOR, MOST, Quantised, quantise

REACH = 255


def real_weights(made: Quantised, shape: tuple[int, ...]) -> np.ndarray:
    return made.weights.astype(np.float64) * made.steps.reshape(-1, *(1,) * (len(shape) - 1))


@given(st.integers(0, 999), st.floats(1e-6, 10), st.floats(1e-6, 10), st.floats(0, 1e4))
def test_no_accumulator_can_leave_32_bits(seed: int, sx: float, sy: float, bias: float) -> None:
    rng = np.random.default_rng(seed)
    weights, offset = rng.normal(0, 1, (4, 3, 3, 3)), rng.normal(0, bias + 1e-9, 4)
    weights[1] = 0
    weights[2] *= 1e-12
    made = quantise(weights, offset, sx, sy, REACH)
    stored, start = made.weights.reshape(4, -1).astype(np.int64), made.params[:, 0].astype(np.int64)
    assert (np.abs(start) + np.abs(stored).sum(1) * REACH <= MOST).all()
    assert (made.params[:, 1] >= 0).all()
    assert ((made.params[:, 2] >= 0) & (made.params[:, 2] <= 62)).all()
    assert (np.abs(real_weights(made, weights.shape) - weights) <= made.steps[:, None, None, None] * 0.5000001).all()


def test_a_channel_spans_its_own_127_steps() -> None:
    weights = np.array([[1.0, -0.5123], [100.0, 30.123]])
    made = quantise(weights, None, 0.1, 0.2, REACH)
    assert made.weights.tolist() == [[127, -65], [127, 38]]
    np.testing.assert_allclose(made.steps, [1 / 127, 100 / 127])


def test_a_dead_channel_keeps_its_bias() -> None:
    made = quantise(np.zeros((2, 5)), np.array([3.25, 0.0]), 0.05, 0.1, REACH)
    bias, multiplier, shift = made.params.astype(np.float64).T
    np.testing.assert_allclose(bias * multiplier / 2**shift * 0.1, [3.25, 0.0], rtol=1e-6)
    assert made.steps[1] == FLOOR * 0.1 / 0.05


def test_a_channel_of_too_many_weights_is_made_coarser() -> None:
    weights = np.ones((1, 100_000))
    made = quantise(weights, None, 1.0, 1.0, REACH)
    assert 0 < made.weights[0, 0] < 127
    assert int(np.abs(made.weights.astype(np.int64)).sum()) * REACH <= MOST
    np.testing.assert_allclose(real_weights(made, weights.shape), 1.0, atol=made.steps[0] / 2)


@given(st.integers(0, 999), st.sampled_from([(-127, 127), (-128, 127), (-100, 90), (-50, 61)]))
def test_integers_of_a_quantised_model_are_found_again(seed: int, ends: tuple[int, int]) -> None:
    """Their steps, too: the bias is in these, and what the channel's largest number is of them isn't known."""
    rng = np.random.default_rng(seed)
    stored, steps = rng.integers(ends[0], ends[1] + 1, (3, 30)), rng.uniform(1e-4, 1, 3).astype(np.float32)
    stored[:, 0], bias = ends[0], rng.integers(-9999, 9999, 3)
    sx = float(np.float32(0.037))
    real = (stored * steps[:, None]).astype(np.float32)
    made = quantise(real, (bias * (steps * np.float32(sx))).astype(np.float32), sx, 0.2, REACH)
    assert made.weights.tolist() == stored.tolist()
    assert made.params[:, 0].tolist() == bias.tolist()
