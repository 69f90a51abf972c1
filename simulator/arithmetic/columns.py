"""Windows of an image laid out as the columns of a matrix, so that a convolution is a matrix product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.compiled import compiled

Array = NDArray[Any]


@dataclass(frozen=True)
class Window:
    """A sliding window over (h, w). `pads` are top, left, bottom, right, in pixels."""

    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    dilations: tuple[int, int]

    def output(self, h: int, w: int) -> tuple[int, int]:
        """(oh, ow): `(size + before + after - dilation·(kernel - 1) - 1) // stride + 1`."""
        (kh, kw), (sh, sw), (dh, dw) = self.kernel, self.strides, self.dilations
        top, left, bottom, right = self.pads
        return (h + top + bottom - dh * (kh - 1) - 1) // sh + 1, (w + left + right - dw * (kw - 1) - 1) // sw + 1

    @property
    def is_point(self) -> bool:
        """Whether the window is one pixel without padding, so that columns are the image itself."""
        return self.kernel == (1, 1) and self.pads == (0, 0, 0, 0)


def columns(image: Array, window: Window, fill: float) -> Array:
    """
    The windows of `image` (c, h, w), contiguous, as (c·kh·kw, oh·ow); row order (c, kh, kw). `fill` is the padding.

    A view where the window is a point that moves by one.
    """
    c, h, w = image.shape
    if window.is_point:
        sh, sw = window.strides
        return image[:, ::sh, ::sw].reshape(c, -1)
    (kh, kw), (oh, ow) = window.kernel, window.output(h, w)
    made = np.empty((c * kh * kw, oh * ow), image.dtype)
    _columns(
        image, made.reshape(c, kh, kw, oh, ow), image.dtype.type(fill), *window.strides, *window.dilations,
        *window.pads[:2],
    )  # fmt: skip
    return made


@compiled
def _columns(
    image: Array, made: Array, fill: Any, sh: int, sw: int, dh: int, dw: int, top: int, left: int
) -> None:  # pragma: no cover
    c, h, w = image.shape
    _, kh, kw, oh, ow = made.shape
    for ic in range(c):
        for i in range(kh):
            for j in range(kw):
                shift = j * dw - left
                first = min(max(0, (sw - 1 - shift) // sw), ow)
                last = max(min(ow, (w - 1 - shift) // sw + 1), first)
                for y in range(oh):
                    row = y * sh + i * dh - top
                    to = made[ic, i, j, y]
                    if row < 0 or row >= h:
                        to[:] = fill
                        continue
                    to[:first] = fill
                    to[last:] = fill
                    source = image[ic, row]
                    if sw == 1:
                        for x in range(first, last):
                            to[x] = source[x + shift]
                    else:
                        for x in range(first, last):
                            to[x] = source[x * sw + shift]
