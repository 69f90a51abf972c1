"""
Rendered words, words with numbers, and dates, as PP-OCRv4's recogniser of `bench quant` takes them.

Many fonts, colours, slants, blurs and noises. A word calibrates or judges, never both; dates are drawn anew each time.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from assets.zoo.datasets.fonts import face
from assets.zoo.datasets.samples import Part, pixels_of, shuffled
from assets.zoo.datasets.words import words

HEIGHT, WIDTH = 48, 320
SEEDS: dict[Part, int] = {"calibration": 90, "evaluation": 91}
FONTS = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "Mono", "Mono-Bold")),
    *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic"),
    *(f"Liberation{face}-{style}" for face in ("Sans", "Serif", "Mono") for style in ("Regular", "Bold", "Italic")),
)
SIZES = (26, 41)
"""Pixels an em: the least, and the first that is too many."""

DARK, LIGHT, MARGIN, INVERTED = (0, 111), (150, 256), (8, 6), 0.3
SLANTED, DEGREES = 0.5, 2.0
BLURRED, RADII = 0.4, (0.3, 1.2)
NOISES = (0.0, 4.0, 10.0)
"""Standard deviations in grey levels."""


def pictures(part: Part, count: int) -> dict[str, NDArray[Any]]:
    """`x` (count, 3, 48, 320), blue first, in -1..1, 0 past the text's end; `labels`, the texts (count,)."""
    texts, made = list[str](), np.zeros((count, 3, HEIGHT, WIDTH), np.float32)
    for i in range(count):
        generator = np.random.default_rng([SEEDS[part], i])
        texts.append(_text(part, generator))
        picture = pixels_of(_rendered(texts[-1], generator))[::-1] / 127.5 - 1
        made[i, :, :, : picture.shape[2]] = picture
    return {"x": made, "labels": np.array(texts)}


@cache
def vocabulary(part: Part) -> list[str]:
    """The part's half of the words."""
    mixed = shuffled(sorted(set(words())))
    return mixed[part == "evaluation" :: 2]


def _text(part: Part, generator: np.random.Generator) -> str:
    """Half of them a word, a quarter a word and a number, a quarter a date."""
    word = vocabulary(part)[int(generator.integers(len(vocabulary(part))))]
    kind, number = generator.integers(4), generator.integers([28, 12, 80]) + [1, 1, 1950]
    if kind == 3:
        return "{:02d}/{:02d}/{}".format(*number)
    return f"{word}{generator.integers(10_000)}" if kind == 2 else word


def _rendered(text: str, generator: np.random.Generator) -> Image.Image:
    """The text in colours of its own, 48 pixels high and 320 wide at most."""
    font = face(str(generator.choice(FONTS)), int(generator.integers(*SIZES)))
    left, top, right, bottom = (round(edge) for edge in font.getbbox(text))
    ground, ink = (tuple(int(level) for level in generator.integers(*levels, 3)) for levels in (LIGHT, DARK))
    if generator.random() < INVERTED:
        ground, ink = ink, ground
    image = Image.new("RGB", (right - left + 2 * MARGIN[0], bottom - top + 2 * MARGIN[1]), ground)
    ImageDraw.Draw(image).text((MARGIN[0] - left, MARGIN[1] - top), text, font=font, fill=ink)
    if generator.random() < SLANTED:
        image = image.rotate(generator.uniform(-DEGREES, DEGREES), Image.Resampling.BICUBIC, fillcolor=ground)
    if generator.random() < BLURRED:
        image = image.filter(ImageFilter.GaussianBlur(generator.uniform(*RADII)))
    noisy = np.asarray(image, np.float32) + generator.normal(0, generator.choice(NOISES), (*image.size[::-1], 3))
    image = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    return image.resize((min(WIDTH, HEIGHT * image.width // image.height), HEIGHT), Image.Resampling.BILINEAR)
