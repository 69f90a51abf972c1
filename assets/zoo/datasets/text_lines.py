"""
Rendered lines of text, upright (label 0) or turned by 180° (label 1), hard enough that a good net misses a few.

Words of one to seven letters in the DejaVu fonts that ship in matplotlib, dark on light, then blurred, made noisy and
brought to the net's height as PP-OCR does: width in proportion, the rest filled with mid-grey. The first line to judge
by is a plain one, neither blurred nor noisy: tensors are compared on it, and where a net is undecided its logits are
all but noise.
"""

from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from assets.zoo.datasets.samples import NotInDataSet, Part, Samples, as_pixels

SEEDS: dict[Part, int] = {"calibration": 10, "evaluation": 11}
PLAIN = "direction"
FOLDER = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono", "DejaVuSans-Oblique")
LETTERS = "aaabcdeeeefghiiijklmnnoooprrssttuuvwyz"
MID_GREY = 127.5
SIZE = 40
"""Of the font, in pixels an em."""

BLUR = (0.5, 2.5)
"""Least and greatest radius in pixels."""

NOISE = (0.0, 20.0)
"""Least and greatest standard deviation in grey levels."""


def samples(part: Part, count: int, shape: tuple[int, ...]) -> Samples:
    """Lines of `shape` (3, h, w), labels in turn. Raises NotInDataSet for another number of channels."""
    if len(shape) != 3 or shape[0] != 3:
        raise NotInDataSet(f"text_lines are colour images (3, h, w), not {shape}")
    lines = [_line(np.random.default_rng([SEEDS[part], i]), i % 2 == 1, *shape[1:]) for i in range(count)]
    if part == "evaluation":
        lines[0] = _fitted(_rendered(PLAIN, FONTS[0], np.random.default_rng(SEEDS[part])), *shape[1:])
    return Samples(as_pixels(np.stack(lines)), np.arange(count, dtype=np.int64) % 2)


def _line(generator: np.random.Generator, turned: bool, height: int, width: int) -> NDArray[np.float32]:
    image = _rendered(_words(generator), str(generator.choice(FONTS)), generator)
    if turned:
        image = image.rotate(180)
    return _fitted(_spoilt(image, generator), height, width)


def _words(generator: np.random.Generator) -> str:
    """One to three short words, some capitalised, a few of digits."""
    made: list[str] = []
    for _ in range(generator.integers(1, 4)):
        letters = "0123456789" if generator.random() < 0.15 else LETTERS
        word = "".join(generator.choice(list(letters), generator.integers(1, 8)))
        made.append(word.capitalize() if generator.random() < 0.3 else word)
    return " ".join(made)


def _rendered(text: str, font: str, generator: np.random.Generator) -> Image.Image:
    """Dark text on a light ground, with a margin."""
    face = ImageFont.truetype(str(FOLDER / f"{font}.ttf"), SIZE)
    left, top, right, bottom = (round(edge) for edge in face.getbbox(text))
    ground, ink = int(generator.integers(170, 256)), int(generator.integers(0, 90))
    image = Image.new("L", (right - left + 16, bottom - top + 16), ground)
    ImageDraw.Draw(image).text((8 - left, 8 - top), text, font=face, fill=ink)
    return image


def _spoilt(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Out of focus, and grainy."""
    blurred = image.filter(ImageFilter.GaussianBlur(float(generator.uniform(*BLUR))))
    grain = generator.normal(0, generator.uniform(*NOISE), (image.height, image.width))
    return Image.fromarray(np.clip(np.round(np.asarray(blurred, np.float64) + grain), 0, 255).astype(np.uint8))


def _fitted(image: Image.Image, height: int, width: int) -> NDArray[np.float32]:
    """Pixels (3, height, width)."""
    taken = min(width, round(height * image.width / image.height))
    made = np.full((3, height, width), MID_GREY, np.float32)
    made[:, :, :taken] = np.asarray(image.resize((taken, height), Image.Resampling.BILINEAR), np.float32)
    return made
