"""In which order a LOAD names the axes of a tensor that it lays out anew."""

from __future__ import annotations

from collections.abc import Sequence

C = 1


def fetching_order(dims: Sequence[int], strides: Sequence[int]) -> tuple[int, int, int, int]:
    """
    The axes (n, c, h, w) by falling strides in global memory, so that what lies together there is fetched together.

    Those of one element come first. The second stays the second: channels are lanes.
    """
    a, b, c = sorted((axis for axis in range(4) if axis != C), key=lambda axis: (dims[axis] > 1, -strides[axis]))
    return a, C, b, c
