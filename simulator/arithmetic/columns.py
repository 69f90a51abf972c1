"""Windows of an image laid out as the columns of a matrix, so that a convolution is a matrix product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.native import native

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
    phases = np.ascontiguousarray(_phases(image, window.strides[1]))
    _columns(
        phases.reshape(-1), phases.shape[1:], w, made.reshape(-1), (kh, kw, oh, ow), image.dtype.type(fill),
        *window.strides, *window.dilations, *window.pads[:2],
    )  # fmt: skip
    return made


def _phases(image: Array, stride: int) -> Array:
    """Every `stride`-th column of (c, h, w), from each of the first ones: (stride, c, h, ⌈w ÷ stride⌉)."""
    if stride == 1:
        return image[None]
    c, h, w = image.shape
    made = np.empty((stride, c, h, -(-w // stride)), image.dtype)
    for first in range(stride):
        part = image[:, :, first::stride]
        made[first, :, :, : part.shape[2]] = part
    return made


def last_rows(w: Array, block: int) -> Array:
    """The rows of (m, k) that fill no block of so many, with zeros after them: (block, k)."""
    made = np.zeros((block, w.shape[1]), w.dtype)
    made[: len(w) % block] = w[len(w) - len(w) % block :]
    return made


@native
def _columns(
    source: Array, image: tuple[int, int, int], w: int, to: Array, window: tuple[int, int, int, int], fill: Any,
    sh: int, sw: int, dh: int, dw: int, top: int, left: int,
) -> None:  # pragma: no cover  # fmt: skip
    """From phases of (c, h, ⌈w ÷ sw⌉) each to columns for a window (kh, kw) that has (oh, ow) places."""
    c, h, wide = image
    kh, kw, oh, ow = window
    for ic in range(c):
        for i in range(kh):
            for j in range(kw):
                above, shift = i * dh - top, j * dw - left
                plane, begin = (shift % sw * c + ic) * h * wide, ((ic * kh + i) * kw + j) * oh * ow
                first_row = min(max(0, (sh - 1 - above) // sh), oh)
                last_row = max(min(oh, (h - 1 - above) // sh + 1), first_row)
                first = min(max(0, (sw - 1 - shift) // sw), ow)
                last = max(min(ow, (w - 1 - shift) // sw + 1), first)
                for t in range(begin, begin + first_row * ow):
                    to[t] = fill
                for t in range(begin + last_row * ow, begin + oh * ow):
                    to[t] = fill
                if sh == 1 and sw == 1 and ow == w:
                    # Rows follow each other in both without a gap: one copy, then the columns of padding.
                    apart = plane + above * w + shift - begin
                    low = begin + first_row * ow + max(-(first_row + above) * w - shift, 0)
                    high = begin + last_row * ow - max((last_row + above - h) * w + shift, 0)
                    # A tap on padding alone copies nothing; its end may be negative, which would count from the end.
                    read, write = source[low + apart :], to[low : max(low, high)]
                    for t in range(write.size):
                        write[t] = read[t]
                else:
                    for y in range(first_row, last_row):
                        read = source[plane + (y * sh + above) * wide + shift // sw + first :]
                        write = to[begin + y * ow + first : begin + y * ow + last]
                        for x in range(write.size):
                            write[x] = read[x]
                for x in range(first):
                    for y in range(first_row, last_row):
                        to[begin + y * ow + x] = fill
                for x in range(last, ow):
                    for y in range(first_row, last_row):
                        to[begin + y * ow + x] = fill
