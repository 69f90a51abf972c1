"""Pictures out of a network: how near they come to the true ones."""

from __future__ import annotations

import numpy as np

from compiler.metrics.metric import Array, Metric, mean_of

LUMA = (65.481 / 255, 128.553 / 255, 24.966 / 255)
"""Luma of red, green and blue, from 16 to 235 (ITU-R BT.601)."""

BORDER = 4
"""Pixels at the edges that aren't judged, as is usual for pictures that were enlarged."""


def peak_ratio(outputs: Array, labels: Array) -> Array:
    """Peak signal to noise of the luma in dB, picture by picture: (samples, 3, h, w) in 0..255, cut to that range."""
    apart = (_luma(np.clip(outputs.astype(np.float64), 0, 255)) - _luma(labels))[:, BORDER:-BORDER, BORDER:-BORDER]
    noise = np.maximum((apart**2).mean((1, 2)), 1e-10)
    return 10 * np.log10(255**2 / noise)


def _in_hundreds(outputs: Array, labels: Array) -> Array:
    """The same in hundreds of dB, so that it is shown as other metrics are, by hundredths."""
    return peak_ratio(outputs, labels) / 100


def _luma(pictures: Array) -> Array:
    return np.einsum("nchw,c->nhw", pictures.astype(np.float64), np.array(LUMA))


def intersection_over_union(outputs: Array, labels: Array) -> Array:
    """
    Of the pixels above one half and the true ones, sample by sample; 1 where there are neither.

    `outputs` probabilities of the figure (samples, 1, h, w), `labels` 0 or 1 of the same extents.
    """
    found, wanted = (array.reshape(len(labels), -1) for array in (outputs > 0.5, labels > 0))
    whole = (found | wanted).sum(1)
    return np.where(whole > 0, (found & wanted).sum(1) / np.maximum(whole, 1), 1.0)


PSNR = Metric(mean_of(_in_hundreds), each=_in_hundreds)
IOU = Metric(mean_of(intersection_over_union), each=intersection_over_union)
