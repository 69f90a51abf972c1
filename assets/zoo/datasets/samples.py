"""What every data set hands out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Part = Literal["calibration", "evaluation"]
"""The two parts have no sample in common."""


@dataclass(frozen=True)
class Samples:
    """`pixels` float32 (count, c, h, w) in 0..255; `labels` int64 (count,), or None where nothing is known."""

    pixels: NDArray[np.float32]
    labels: NDArray[np.int64] | None


DataSet = Callable[[Part, int, tuple[int, ...]], Samples]
"""A part's first samples: part, count, and (c, h, w) of one. The same arguments give the same bytes."""


Values = Callable[[Part, int, Mapping[str, tuple[int, ...]]], Mapping[str, NDArray[np.float32]]]
"""A part's first samples of each input: part, count, and the extents of each input, the batch's first."""


class NotInDataSet(ValueError):
    """More samples, or other extents, than the data set has."""


def as_pixels(array: NDArray[Any]) -> NDArray[np.float32]:
    """Contiguous float32."""
    return np.ascontiguousarray(array, np.float32)
