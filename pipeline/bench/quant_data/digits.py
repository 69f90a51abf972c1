"""The 8×8 digits of scikit-learn (Alpaydin and Kaynak, 1998), parted as `models/train_digits.py` parted them."""

import gzip
from io import BytesIO
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from assets.zoo.datasets.photos import SCIKIT_LEARN
from assets.zoo.datasets.samples import Part
from assets.zoo.packages import member
from assets.zoo.record import ROOT
from compiler.npz import read_npz

MODEL = ROOT / "models" / "digits.onnx"
ORDER = ROOT / "models" / "digits_order.npz"
FILE = "sklearn/datasets/data/digits.csv.gz"
SIDE, GREY_LEVELS = 8, 16


def model() -> onnx.ModelProto:
    """Input `x` (1, 1, 8, 8); output `logits` (1, 10)."""
    return onnx.load_model(MODEL)


def pictures(part: Part, count: int) -> dict[str, NDArray[Any]]:
    """`x` (count, 1, 8, 8) in 0..1; `labels` (count,). Raises PackageUnavailable."""
    rows = np.loadtxt(BytesIO(gzip.decompress(member(SCIKIT_LEARN, FILE))), delimiter=",", dtype=np.int64)
    chosen = rows[read_npz(ORDER)[part][:count]]
    pixels = chosen[:, :-1].astype(np.float32).reshape(-1, 1, SIDE, SIDE)
    return {"x": pixels / np.float32(GREY_LEVELS), "labels": chosen[:, -1]}
