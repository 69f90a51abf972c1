"""What the chip takes each class for."""

import json
import math
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from assets.plots.canvas import FAINT, INK, SHADES, face, fitted, plain

MOST = 20
"""Classes that get a row and a column each; a model with more shows those most often misjudged."""

WRONG = ("#ffc0c0", "#ff8080", "#ff4040")
"""From few to as many as the most frequent pair."""

DARK = (*SHADES[-2:], WRONG[-1])
"""Shades that a number stands on in white."""

SIDE = 260
"""Pixels of the matrix."""


def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `accuracy.json`: labels down, the chip's answers across, in samples; the wrong ones in red."""
    told = json.loads((inputs["accuracy"] / "accuracy.json").read_text())
    judged = [(row["label"], row["chip"]) for row in told["predictions"] if isinstance(row["label"], int)]
    pairs = np.array(judged, np.int64).reshape(-1, 2)
    classes = _chosen(pairs)
    place = {name: i for i, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for label, answer in pairs.tolist():
        if label in place and answer in place:
            counts[place[label], place[answer]] += 1
    title = (
        f"{told['metric']} {100 * told['accuracy']:.2f} % on the chip, {100 * told['accuracy_float']:.2f} % in float; "
        f"{told['samples']} samples"
    )
    return plain(_matrix(title, classes, counts))


def _chosen(pairs: NDArray[np.int64]) -> list[int]:
    found, wrong = np.unique(pairs), pairs[pairs[:, 0] != pairs[:, 1]]
    if len(found) <= MOST:
        return found.tolist()
    involved, times = np.unique(wrong, return_counts=True)
    return sorted(involved[np.argsort(-times, kind="stable")][:MOST].tolist())


def _matrix(title: str, classes: list[int], counts: NDArray[np.int64]) -> Image.Image:
    size = max(1, min(SIDE // max(len(classes), 1), 60))
    left, top = 60, 44
    width, height = max(left + size * len(classes) + 16, 420), top + size * len(classes) + 24
    image = Image.new("RGB", (width, height), "white")
    ink = ImageDraw.Draw(image)
    ink.text((6, 15), fitted(title, width - 12, 12), INK, face(12), "ls")
    ink.text((left, 33), "the chip's answer", INK, face(), "ls")
    ink.text((6, top + size // 2), "label", INK, face(), "lm")
    most = int(counts.max(initial=1))
    for row, column in product(range(len(classes)), repeat=2):
        count, shades = int(counts[row, column]), SHADES[1:] if row == column else WRONG
        strength = math.ceil(len(shades) * count / most) - 1
        at = left + column * size, top + row * size
        ink.rectangle((*at, at[0] + size - 2, at[1] + size - 2), shades[strength] if count else "white")
        if count and size >= 14:
            words = "white" if shades[strength] in DARK else INK
            ink.text((at[0] + size // 2, at[1] + size // 2), str(count), words, face(), "mm")
    for i, name in enumerate(classes):
        ink.text((left - 5, top + i * size + size // 2), str(name), INK, face(), "rm")
        ink.text((left + i * size + size // 2, top + len(classes) * size + 3), str(name), INK, face(), "mt")
    ink.line(((left, top + len(classes) * size), (left + len(classes) * size, top + len(classes) * size)), FAINT)
    return image
