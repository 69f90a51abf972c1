"""
From pictures to what a network takes: fitted into its extents, and brought to its numbers, colours and layout.

What lies between is the raw form, `<input>_raw`: fitted pixels 0..255, red first. A model compiled with
`fuse_preprocess` takes that, and does the rest itself (`compiler.frontends.onnx.graph.raw_input`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assets.zoo.datasets.samples import NotInDataSet, Pixels, Samples
from assets.zoo.fields import Preprocessing, Raw, Resize

Array = NDArray[Any]
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


@dataclass(frozen=True)
class Move:
    """Where a picture's pixels come to lie: each coordinate (x, y) is multiplied by `scale`, then `shift` is added."""

    scale: tuple[float, float]
    shift: tuple[int, int]

    def of(self, boxes: Array) -> Array:
        """Corners (n, 4) after the move."""
        return (boxes * np.array(self.scale * 2) + np.array(self.shift * 2)).astype(boxes.dtype)


def fitted(samples: Samples, shape: tuple[int, ...], how: Resize | None) -> Samples:
    """
    The pictures in an array (count, c, h, w) of the extents in `shape` (c, h, w), boxes moved along.

    Raises NotInDataSet where extents differ and `how` is None.
    """
    if isinstance(samples.pixels, np.ndarray) and samples.pixels.shape[1:] == shape:
        return samples
    if how is None:
        own = list(samples.pixels[0].shape)
        raise NotInDataSet(f"pictures are {own}, the network takes {list(shape)}; say how to fit: preprocessing.resize")
    made = [_fitted(picture, shape, how) for picture in samples.pixels]
    labels = samples.labels
    if samples.boxes and labels is not None:
        labels = np.stack([move.of(boxes) for (_, move), boxes in zip(made, labels, strict=True)])
    return Samples(np.stack([picture for picture, _ in made]), labels, samples.boxes)


def _fitted(picture: Pixels, shape: tuple[int, ...], how: Resize) -> tuple[Pixels, Move]:
    """One picture (c, h, w), stretched, or made as large as fits and laid on the fill."""
    (height, width), (own_height, own_width) = shape[1:], picture.shape[1:]
    if how.kind == "stretch":
        high, wide = height, width
    else:
        ratio = min(height / own_height, width / own_width)
        high, wide = max(1, round(own_height * ratio)), max(1, round(own_width * ratio))
    top, left = ((height - high) // 2, (width - wide) // 2) if how.place == "centre" else (0, 0)
    made = np.full(shape, how.fill, np.float32)
    for plane, channel in zip(made, picture, strict=True):
        image = Image.fromarray(channel.astype(np.uint8)).resize((wide, high), FILTERS[how.filter])
        plane[top : top + high, left : left + wide] = np.asarray(image)
    return made, Move((wide / own_width, high / own_height), (left, top))


def raw(pixels: Array, form: Raw) -> Array:
    """Pixels (count, c, h, w) as a model takes them that preprocesses by itself."""
    made = np.rint(pixels).astype(np.uint8) if form.dtype == "uint8" else pixels
    return np.ascontiguousarray(made.transpose(0, 2, 3, 1) if form.layout == "nhwc" else made)


def normalised(pixels: Array, how: Preprocessing) -> NDArray[np.float32]:
    """Pixels (count, c, h, w) in 0..255 as the network takes them, float32, in its colour order and layout."""
    if how.raw is not None and how.raw.dtype == "uint8":
        pixels = np.rint(pixels)
    if how.colour == "bgr":
        pixels = pixels[:, ::-1]
    made = (pixels.astype(np.float32) / np.float32(how.divisor) - _by_channel(how.mean)) / _by_channel(how.std)
    return np.ascontiguousarray(made.transpose(0, 2, 3, 1) if how.layout == "nhwc" else made)


def _by_channel(numbers: Sequence[float]) -> NDArray[np.float32]:
    return np.array(numbers, np.float32).reshape(-1, 1, 1)
