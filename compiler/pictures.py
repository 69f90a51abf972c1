"""Network inputs as small pictures for people."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from compiler.ir.network import Array

LONGEST = 96
"""Pixels along the longer side of a picture; a larger input is thinned out by whole steps."""


def pictures(inputs: Mapping[str, Array], samples: Array) -> Array:
    """
    The chosen samples of the only input as uint8 (count, height, width), or (count, height, width, 3) for RGB.

    Each spans from its least value, black, to its greatest, white. None, so (0, 1, 1), where the network has several
    inputs, or one that isn't (samples, 1 or 3, height, width).
    """
    held = next(iter(inputs.values()))
    if len(inputs) != 1 or held.ndim != 4 or held.shape[1] not in (1, 3):
        return np.zeros((0, 1, 1), np.uint8)
    step = -(-max(held.shape[2:]) // LONGEST)
    chosen = held[samples][:, :, ::step, ::step].astype(np.float32)
    low, high = chosen.min((1, 2, 3), keepdims=True), chosen.max((1, 2, 3), keepdims=True)
    scaled = (255 * (chosen - low) / np.where(high > low, high - low, 1)).astype(np.uint8)
    return scaled[:, 0] if held.shape[1] == 1 else scaled.transpose(0, 2, 3, 1)
