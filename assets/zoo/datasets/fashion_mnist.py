"""Fashion-MNIST (Xiao et al., 2017): 70,000 grey pictures of ten kinds of clothes, as Debian packages them."""

import gzip
from functools import cache

import numpy as np
from numpy.typing import NDArray

from assets.zoo.datasets.samples import NotInDataSet, Part, Samples, as_pixels
from assets.zoo.packages import DebianPackage, members

PACKAGE = DebianPackage(
    "dataset-fashion-mnist",
    "0.0~git20200523.55506a9-1",
    "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
)
FOLDER = "usr/share/datasets/fashion-mnist"
STEMS: dict[Part, str] = {"calibration": "train", "evaluation": "t10k"}


def samples(part: Part, count: int, shape: tuple[int, ...]) -> Samples:
    """Clothes of `shape` (1, 28, 28): 60,000 to train and calibrate, 10,000 to test."""
    images, labels = _part(part)
    if count > len(images) or shape != (1, 28, 28):
        raise NotInDataSet(
            f"fashion_mnist has {len(images)} samples of (1, 28, 28) for {part}; {count} of {shape} were asked for"
        )
    return Samples(as_pixels(images[:count, None]), labels[:count].astype(np.int64))


@cache
def _part(part: Part) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    names = [f"{FOLDER}/{STEMS[part]}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
    held = members(PACKAGE, names)
    images, labels = (_idx(gzip.decompress(held[name])) for name in names)
    return images, labels


def _idx(content: bytes) -> NDArray[np.uint8]:
    """An array in LeCun's IDX format: the number of axes in the fourth byte, extents in four bytes each, the rest."""
    axes = content[3]
    extents = np.frombuffer(content, ">i4", axes, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(*extents.tolist())
