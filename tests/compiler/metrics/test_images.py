"""Pictures by hand: peak signal to noise, and figures' overlap."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.metrics.images import peak_ratio
from compiler.metrics.table import METRICS


def test_noise_is_of_the_luma_inside_the_border() -> None:
    labels = np.full((2, 3, 16, 16), 100, np.uint8)
    outputs = labels.astype(np.float32)
    outputs[0] += 10
    outputs[1, :, :4] = 0
    grey = 10 * (65.481 + 128.553 + 24.966) / 255
    assert peak_ratio(outputs, labels)[0] == pytest.approx(20 * np.log10(255 / grey))
    assert peak_ratio(outputs, labels)[1] > 100
    outputs[0] = 300
    assert peak_ratio(outputs, labels)[0] == pytest.approx(20 * np.log10(255 / (grey * 15.5)))


def test_psnr_is_told_in_hundreds_of_decibels() -> None:
    labels = np.full((1, 3, 16, 16), 100, np.uint8)
    outputs = labels.astype(np.float32) + 10
    assert METRICS["psnr"](outputs, labels) == pytest.approx(peak_ratio(outputs, labels)[0] / 100)


def test_figures_overlap() -> None:
    labels = np.zeros((3, 1, 2, 2), np.uint8)
    labels[0, 0, 0] = 1
    outputs = np.array([[[[0.9, 0.1], [0.6, 0]]], [[[0.2, 0], [0, 0]]], [[[0.9, 0], [0, 0]]]])
    assert METRICS["miou"].each is not None
    assert METRICS["miou"].each(outputs, labels).tolist() == pytest.approx([1 / 3, 1, 0])
    assert METRICS["miou"](outputs, labels) == pytest.approx(4 / 9)
