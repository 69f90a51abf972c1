"""Some inputs that the chip gets wrong, as pictures."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from assets.plots.canvas import INK, WIDTH, face, fitted, photograph, plain
from compiler.npz import read_npz

COLUMNS = {True: 3, False: 6}
"""Pictures in a row, wide ones and others."""

CAPTION = 16


def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `misjudged.npz` and `accuracy.json`: each with its label, and what chip and float made of it."""
    held = read_npz(inputs["accuracy"] / "misjudged.npz")
    told = json.loads((inputs["accuracy"] / "accuracy.json").read_text())
    rows = [told["predictions"][sample] for sample in held["samples"].tolist()]
    if not rows:
        return plain(_blank(f"none of {told['samples']} samples to show: no picture, or no mistake", 24))
    images = held["images"]
    columns = COLUMNS[images.shape[2] > 2 * images.shape[1]]
    rows = rows[: 2 * columns]
    wide = WIDTH // columns - 24
    tall = max(16, min(round(wide * images.shape[1] / images.shape[2]), 60))
    wide = round(tall * images.shape[2] / images.shape[1])
    pitch = WIDTH // columns, tall + CAPTION + 6
    title = f"misjudged on the chip: label → chip, float; {len(rows)} examples of {told['samples']} samples"
    sheet = _blank(title, 24 + -(-len(rows) // columns) * pitch[1])
    ink = ImageDraw.Draw(sheet)
    for i, (pixels, row) in enumerate(zip(images, rows, strict=False)):
        x, y = 6 + i % columns * pitch[0], 24 + i // columns * pitch[1]
        sheet.paste(Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB").resize((wide, tall)), (x, y))
        ink.text((x, y + tall + 12), f"{row['label']} → {row['chip']}, {row['float']}", INK, face(), "ls")
    return photograph(sheet)


def _blank(title: str, height: int) -> Image.Image:
    image = Image.new("RGB", (WIDTH, height), "white")
    ImageDraw.Draw(image).text((6, 15), fitted(title, WIDTH - 12, 12), INK, face(12), "ls")
    return image
