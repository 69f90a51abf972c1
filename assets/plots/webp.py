"""Pictures as WebP, small enough for an event of a run to carry."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_BYTES = 8192
"""Of one picture."""

QUALITIES = (25, 10, 0)
"""Of photographs, of 100: the first shows some artefacts, yet tells each digit; the last is for noise."""


def lossless(pixels: NDArray[np.uint8]) -> bytes:
    """A drawing (rows, columns, RGB), exactly as it is."""
    return _encoded(pixels, lossless=True, quality=40, method=1)


def photograph(pixels: NDArray[np.uint8]) -> bytes:
    """A picture of pictures; coarser where it is so busy that it would take over MAX_BYTES."""
    data = b""
    for quality in QUALITIES:
        data = _encoded(pixels, quality=quality, method=3)
        if len(data) <= MAX_BYTES:
            break
    return data


def _encoded(pixels: NDArray[np.uint8], **options: object) -> bytes:
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "WEBP", **options)
    return held.getvalue()
