"""What the chip takes each class for."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from assets.plots import canvas
from assets.plots.canvas import INK, PIXEL, SHADES, styled
from assets.plots.webp import lossless

MOST = 20
"""Classes that get a row and a column each; a model with more shows those most often misjudged."""

RIGHT = SHADES[1:]
WRONG = ("#ffc0c0", "#ff8080", "#ff4040")
"""From few to as many as the most frequent pair."""

COLOURS = ("white", *RIGHT, *WRONG)

DARK = (*SHADES[-2:], WRONG[-1])
"""Shades that a number stands on in white."""

SIDE, WIDTH = 260, 400
"""Pixels of the matrix, at most, and of the axes that its columns stand in."""

LEGIBLE = 14
"""Pixels of a cell that has room for its number."""


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `accuracy.json`: labels down, the chip's answers across, in samples; the wrong ones in red."""
    told = json.loads((inputs["accuracy"] / "accuracy.json").read_text())
    judged = [(row["label"], row["chip"]) for row in told["predictions"] if isinstance(row.get("label"), int)]
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
    return lossless(_matrix(title, classes, counts))


def _chosen(pairs: NDArray[np.int64]) -> list[int]:
    found, wrong = np.unique(pairs), pairs[pairs[:, 0] != pairs[:, 1]]
    if len(found) <= MOST:
        return found.tolist()
    involved, times = np.unique(wrong, return_counts=True)
    return sorted(involved[np.argsort(-times, kind="stable")][:MOST].tolist())


def _matrix(title: str, classes: list[int], counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    many, most = len(classes), int(counts.max(initial=1))
    size = max(1, min(SIDE // max(many, 1), 60))
    axes = canvas.axes(title, canvas.LEFT + canvas.RIGHT + WIDTH, canvas.TOP + canvas.BOTTOM + size * many)
    strengths = np.ceil(np.where(np.eye(many), len(RIGHT), len(WRONG)) * counts / most).astype(int)
    shades = np.where(np.eye(many) + (counts == 0), strengths, len(RIGHT) + strengths)
    axes.pcolormesh(
        shades, cmap=ListedColormap(COLOURS), vmin=-0.5, vmax=len(COLOURS) - 0.5, edgecolors="white", linewidth=PIXEL
    )
    axes.set(xlim=(0, WIDTH / size), xlabel="the chip's answer", ylim=(max(many, 1), 0), ylabel="label")
    names = [str(name) for name in classes]
    axes.set_xticks(np.arange(many) + 0.5, names)
    axes.set_yticks(np.arange(many) + 0.5, names)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    if size >= LEGIBLE:
        for row, column in np.argwhere(counts).tolist():
            ink = "white" if COLOURS[shades[row, column]] in DARK else INK
            axes.text(column + 0.5, row + 0.5, str(counts[row, column]), ha="center", va="center", color=ink)
    return canvas.pixels(axes)
