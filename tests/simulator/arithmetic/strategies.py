"""Cases for the kernels: shapes, windows, and arrays sprinkled with the values that break things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Array = NDArray[Any]

SPECIALS = np.array(
    [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 2.0**-126, -(2.0**-127), 3.4028235e38, -3.4028235e38, 1.0,
     -1.0, 0.33333334, 65504.0, 16777216.0, -np.nan], np.float32,
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A convolution or pooling: extents, window, and the seed of its values."""

    n: int
    ic: int
    oc: int
    extents: tuple[int, int]
    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    dilations: tuple[int, int]
    seed: int

    @property
    def made(self) -> tuple[int, int]:
        """(oh, ow)."""
        oh, ow = (
            (n + before + after - d * (k - 1) - 1) // s + 1
            for n, k, s, d, before, after in zip(
                self.extents, self.kernel, self.strides, self.dilations, self.pads[:2], self.pads[2:], strict=True
            )
        )
        return oh, ow


@st.composite
def cases(draw: st.DrawFn, largest: int = 9, channels: int = 8) -> Case:
    """Windows that fit; pads may pass the kernel's extent, so that a window may lie on padding alone."""
    kernel, dilations, strides = (
        draw(st.tuples(st.integers(1, top), st.integers(1, top))) for top in (4, 3, 3)
    )  # fmt: skip
    pads = draw(st.tuples(*(st.integers(0, 4) for _ in range(4))))
    reach = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    extents = [
        draw(st.integers(max(1, r - a - b), max(1, r - a - b) + largest))
        for r, a, b in zip(reach, pads[:2], pads[2:], strict=True)
    ]
    n, ic, oc = draw(st.integers(1, 2)), draw(st.integers(1, channels)), draw(st.integers(1, channels))
    return Case(n, ic, oc, (extents[0], extents[1]), kernel, strides, pads, dilations, draw(st.integers(0, 2**32 - 1)))


def floats(rng: np.random.Generator, shape: tuple[int, ...], wild: float) -> Array:
    """f32 numbers, a share `wild` of them special, the rest of magnitudes around one or, for a wild array, any."""
    values = rng.normal(size=shape).astype(np.float32)
    if wild and rng.random() < 0.3:
        values = rng.integers(0, 2**32, shape, np.uint32).view(np.float32)
    return np.where(rng.random(shape) < wild, rng.choice(SPECIALS, shape), values)


def bytes_of(rng: np.random.Generator, shape: tuple[int, ...], dtype: type[np.generic]) -> Array:
    """Random 8-bit integers, at times only the extreme ones."""
    limits = np.iinfo(np.dtype(dtype).name)
    if rng.random() < 0.3:
        return rng.choice(np.array([limits.min, limits.max], dtype), shape)
    return rng.integers(limits.min, limits.max + 1, shape).astype(dtype)
