"""Thresholds against what they promise, measured on the values themselves."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from onnxruntime.quantization.calibrate import HistogramCollector

from compiler.quantization.histogram import Histogram
from compiler.quantization.thresholds import METHODS, Range, UnknownMethod, kept, range_of, ranges_by_method

Array = NDArray[Any]
COUNT = 200_000


def samples(kind: str) -> Array:
    rng = np.random.default_rng(7)
    drawn = {
        "normal": lambda: rng.normal(size=COUNT),
        "laplace": lambda: rng.laplace(size=COUNT),
        "relu": lambda: np.maximum(rng.normal(size=COUNT), 0),
        "outlier": lambda: np.append(rng.normal(size=COUNT), [40.0, -55.0]),
        "uniform": lambda: rng.uniform(-1, 1, COUNT),
        "silu": lambda: (lambda x: x / (1 + np.exp(-x)))(3 * rng.normal(size=COUNT)),
        "shifted": lambda: rng.normal(size=COUNT) + 6,
    }
    return drawn[kind]().astype(np.float32)


def histogram_of(x: Array, bins: int = 2048) -> Histogram:
    made = Histogram(bins)
    made.add(x)
    return made


def threshold(method: str, histogram: Histogram) -> float:
    low, high = range_of(method, histogram)
    return max(-low, high)


def squared_error(x: Array, kept: Range, asymmetric: bool = False) -> float:
    """Of the values as an 8-bit tensor of that range holds them."""
    low, high = min(kept[0], 0.0), max(kept[1], 0.0)
    if asymmetric:
        step = (high - low) / 255
        zero = round(-low / step)
        first, last = -zero, 255 - zero
    else:
        first, last = (0, 255) if kept[0] >= 0 else (-127, 127)
        step = max(-low, high) / last
    stored = np.clip(np.rint(x.astype(np.float64) / step), first, last) * step
    return float(np.sum((x - stored) ** 2))


@pytest.mark.parametrize("kind", ["normal", "laplace", "relu", "outlier", "uniform", "silu"])
def test_mse_finds_nearly_the_least_error(kind: str) -> None:
    x = samples(kind)
    largest = float(np.abs(x).max())
    best = min(squared_error(x, (-largest * share, largest * share)) for share in np.linspace(0.05, 1, 96))
    assert squared_error(x, range_of("mse", histogram_of(x))) <= 1.02 * best


@pytest.mark.parametrize("kind", ["normal", "laplace", "relu", "outlier", "silu", "shifted"])
def test_mse_finds_nearly_the_least_error_from_end_to_end(kind: str) -> None:
    x = samples(kind)
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    shares = np.linspace(0, 1, 13)
    ends = [(low * below, high * above) for below in shares for above in shares[1:]]
    best = min(squared_error(x, kept, True) for kept in ends)
    assert squared_error(x, range_of("mse", histogram_of(x), True), True) <= 1.02 * best


def test_negative_values_too_small_for_a_sign_bit_are_cut() -> None:
    x = np.append(np.random.default_rng(0).uniform(0, 200, COUNT), -np.ones(20)).astype(np.float32)
    assert range_of("mse", histogram_of(x))[0] == 0
    assert range_of("mse", histogram_of(samples("silu")))[0] < 0


@pytest.mark.parametrize(
    ("kind", "method"), [("normal", "aciq_gauss"), ("laplace", "aciq_laplace"), ("relu", "aciq_gauss")]
)
def test_aciq_is_best_for_the_spread_it_supposes(kind: str, method: str) -> None:
    x = samples(kind)
    best = squared_error(x, range_of("mse", histogram_of(x)))
    assert squared_error(x, range_of(method, histogram_of(x))) <= 1.1 * best


def test_max_keeps_all() -> None:
    x = samples("outlier")
    assert range_of("max", histogram_of(x)) == (-55.0, 40.0)
    assert ranges_by_method(histogram_of(x))["max"] == (-55.0, 40.0)


@pytest.mark.parametrize("kind", ["normal", "laplace", "outlier"])
def test_percentile_keeps_its_share(kind: str) -> None:
    x = np.abs(samples(kind))
    histogram = histogram_of(x)
    level = threshold("percentile", histogram)
    width = float(histogram.edges[0])
    assert np.count_nonzero(x <= level) >= 0.9999 * x.size
    assert np.count_nonzero(x <= level - width) < 0.9999 * x.size


@pytest.mark.parametrize(("kind", "within"), [("normal", 0.2), ("laplace", 0.35), ("uniform", 0.02)])
def test_kl_agrees_with_onnxruntime(kind: str, within: float) -> None:
    """Its histogram is over both signs and its rule for empty bins differs, so only nearly."""
    x = samples(kind)
    largest = float(np.abs(x).max())
    collector = HistogramCollector("entropy", True, 2048, 128, 99.99, "same")
    counted = np.histogram(x, bins=1025, range=(-largest, largest))
    peer = cast("Any", collector).get_entropy_threshold((*counted, x.min(), x.max()), 128)
    assert threshold("kl", histogram_of(x, 1024)) == pytest.approx(float(peer[1]), rel=within)


def test_kl_cuts_an_outlier_and_keeps_a_plateau() -> None:
    assert threshold("kl", histogram_of(samples("outlier"))) < 10
    assert threshold("kl", histogram_of(samples("uniform"))) > 0.98


def test_kl_trusts_no_thin_histogram() -> None:
    """Few values leave most bins empty, and then any cut looks good."""
    x = np.random.default_rng(0).laplace(size=800).astype(np.float32)
    assert threshold("kl", histogram_of(x)) == np.abs(x).max()


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize("values", [[0.0, 0.0], [3.0], [-2.5, -2.5], [1e-30, 2e-30], [1e-3, 1e3]])
def test_a_threshold_is_positive_and_no_more_than_the_largest(method: str, values: list[float]) -> None:
    x = np.array(values, np.float32)
    level = threshold(method, histogram_of(x))
    largest = float(np.abs(x).max())
    assert (level == 0) if largest == 0 else (0 < level <= largest)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("asymmetric", [False, True])
@pytest.mark.parametrize("method", list(METHODS))
def test_values_far_from_zero_leave_a_range(method: str, asymmetric: bool, sign: int) -> None:
    """As of a sigmoid that is always near one: what a method cuts may lie below all there is."""
    values = np.append(np.random.default_rng(1).uniform(0.6, 0.61, 40_000), np.linspace(0.61, 1.0, 40))
    made = Histogram(2048)
    made.add((sign * values).astype(np.float32))
    low, high = range_of(method, made, asymmetric)
    assert low <= high


def test_the_end_that_is_kept_may_lie_below_all_there_is() -> None:
    made = Histogram(2048)
    made.add(np.linspace(0.6, 1.0, 100).astype(np.float32))
    assert kept(lambda histogram, asymmetric: (-0.5, 0.5), made, False) == (0.5, 0.5)
    made = Histogram(2048)
    made.add(np.linspace(-1.0, -0.6, 100).astype(np.float32))
    assert kept(lambda histogram, asymmetric: (-0.5, 0.5), made, False) == (-0.5, -0.5)


def test_an_unknown_method_lists_those_there_are() -> None:
    with pytest.raises(UnknownMethod, match=r"'entropy'; there are max, kl, percentile, mse, aciq_.*, auto"):
        range_of("entropy", Histogram(256))
