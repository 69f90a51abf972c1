"""In which order a LOAD or COPY names the axes of a tensor that it lays out anew."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.layout import up

C = 1


def fetching_order(dims: Sequence[int], strides: Sequence[int]) -> tuple[int, int, int, int]:
    """
    The axes (n, c, h, w) by falling strides in global memory, so that what lies together there is fetched together.

    Those of one element come first. The second stays the second: channels are lanes.
    """
    a, b, c = sorted((axis for axis in range(4) if axis != C), key=lambda axis: (dims[axis] > 1, -strides[axis]))
    return a, C, b, c


def copying_order(dims: Sequence[int], words: int) -> tuple[int, int, int, int]:
    """
    The axes (n, c, h, w) in the order that makes a COPY shortest: images take cycles of their own.

    A word holds `words` elements of the planes. The second stays the second: channels are lanes.
    """
    first, second, third = min(
        ((0, 2, 3), (2, 0, 3), (3, 0, 2)), key=lambda order: dims[order[0]] * up(dims[order[1]] * dims[order[2]], words)
    )
    return first, C, second, third
