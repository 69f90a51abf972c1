"""What every data set hands out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Part = Literal["calibration", "evaluation"]
"""The two parts have no sample in common."""

T = TypeVar("T")
Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Samples:
    """
    Pictures and what is known of them.

    `pixels` float32 (count, c, h, w) in 0..255, red first; or a list of (c, h, w) of their own sizes, which the
    record's preprocessing brings to the network's. `labels` (count, …), or None where nothing is known. With `boxes`
    they are corners (x0, y0, x1, y1) in pixels, float32 (count, most, 4), NaN where a picture has fewer.
    """

    pixels: Pixels | list[Pixels]
    labels: NDArray[Any] | None
    boxes: bool = False


DataSet = Callable[[Part, int, tuple[int, ...]], Samples]
"""A part's first samples: part, count, and (c, h, w) of one. The same arguments give the same bytes."""


Values = Callable[[Part, int, Mapping[str, tuple[int, ...]]], Mapping[str, NDArray[Any]]]
"""
A part's first samples of each input: part, count, and the extents of each input, the batch's first.

`labels` too, if anything is known of them.
"""


class NotInDataSet(ValueError):
    """More samples, or other extents, than the data set has."""


def as_pixels(array: NDArray[Any]) -> Pixels:
    """Contiguous float32."""
    return np.ascontiguousarray(array, np.float32)


def pixels_of(image: Image.Image) -> Pixels:
    """A picture in colour as (3, h, w)."""
    return as_pixels(np.asarray(image.convert("RGB"), np.float32).transpose(2, 0, 1))


def shuffled(items: Sequence[T], seed: int = 0) -> list[T]:
    """The same in the order of a seed."""
    return [items[int(i)] for i in np.random.default_rng(seed).permutation(len(items))]


def padded(
    rows: Sequence[Sequence[int]] | Sequence[Sequence[tuple[int, ...]]], most: int, fill: float
) -> NDArray[np.float64]:
    """Rows of different lengths as one array, `most` long each. Raises NotInDataSet for a longer one."""
    if (longest := max(map(len, rows), default=0)) > most:
        raise NotInDataSet(f"a sample has {longest} labels; there is room for {most}")
    width = next((np.shape(row[0]) for row in rows if row), ())
    made = np.full((len(rows), most, *width), fill)
    for i, row in enumerate(rows):
        if row:
            made[i, : len(row)] = row
    return made
