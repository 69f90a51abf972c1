"""Some inputs that the chip gets wrong, as pictures."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from assets.plots import canvas
from assets.plots.canvas import WIDTH, pixels, styled
from assets.plots.webp import lossless, photograph
from compiler.npz import read_npz

COLUMNS = {True: 3, False: 6}
"""Pictures in a row, wide ones and others."""

CAPTION, MARGIN, TOP = 16, 6, 24
"""Pixels below a picture for its words, around it, and above all."""


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `misjudged.npz` and `accuracy.json`: each with its label, and what chip and float made of it."""
    held = read_npz(inputs["accuracy"] / "misjudged.npz")
    told = json.loads((inputs["accuracy"] / "accuracy.json").read_text())
    rows = [told["predictions"][sample] for sample in held["samples"].tolist()]
    if not rows:
        return lossless(pixels(_sheet(f"none of {told['samples']} samples to show: no picture, or no mistake", TOP)))
    images = held["images"]
    columns = COLUMNS[images.shape[2] > 2 * images.shape[1]]
    rows, pitch = rows[: 2 * columns], WIDTH // columns
    tall = max(16, min(round((pitch - 4 * MARGIN) * images.shape[1] / images.shape[2]), 60))
    wide = round(tall * images.shape[2] / images.shape[1])
    answers = "label → chip, float" if "label" in rows[0] else f"{told['metric']} on the chip, in float"
    title = f"misjudged on the chip: {answers}; {len(rows)} examples of {told['samples']} samples"
    axes = _sheet(title, TOP + -(-len(rows) // columns) * (tall + CAPTION + MARGIN))
    for i, (picture, row) in enumerate(zip(images, rows, strict=False)):
        x, y = MARGIN + i % columns * pitch, TOP + i // columns * (tall + CAPTION + MARGIN)
        axes.imshow(picture, "gray", vmin=0, vmax=255, extent=(x, x + wide, y + tall, y), interpolation="bilinear")
        axes.text(x, y + tall + 12, _caption(row))
    axes.set(xlim=(0, WIDTH), ylim=(axes.bbox.height, 0), aspect="auto")
    return photograph(pixels(axes))


def _caption(row: Mapping[str, Any]) -> str:
    """The classes, or how good the answers are."""
    if "label" in row:
        return f"{row['label']} → {row['chip']}, {row['float']}"
    return f"{row['chip']:.3f}, {row['float']:.3f}"


def _sheet(title: str, height: int) -> Axes:
    """Axes over the whole of a figure, in its pixels."""
    axes = canvas.axes(title, height=height)
    axes.set_position((0, 0, 1, 1))
    axes.set_axis_off()
    return axes
