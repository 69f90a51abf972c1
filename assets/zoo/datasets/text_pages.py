"""Pages of a few lines of words in dark colours on light ones, with the lines' exact boxes."""

import numpy as np
from PIL import Image, ImageDraw

from assets.zoo.datasets.fonts import face
from assets.zoo.datasets.samples import NotInDataSet, Part, Samples, as_pixels, padded, pixels_of
from assets.zoo.datasets.words import words

SEEDS: dict[Part, int] = {"calibration": 50, "evaluation": 51}
FONTS = ("DejaVuSans", "DejaVuSansMono", "LiberationSerif-Regular", "LiberationSans-Bold")
SIZES = (14, 29)
MOST = 16
"""Lines of a page."""


def samples(part: Part, count: int, shape: tuple[int, ...]) -> Samples:
    """Pages of `shape` (3, h, w) and boxes. Raises NotInDataSet, PackageUnavailable."""
    if shape[0] != 3:
        raise NotInDataSet(f"text_pages are colour images (3, h, w), not {shape}")
    made = [_page(np.random.default_rng([SEEDS[part], i]), *shape[1:]) for i in range(count)]
    pixels = as_pixels(np.stack([pixels_of(image) for image, _ in made]))
    return Samples(pixels, padded([boxes for _, boxes in made], MOST, np.nan).astype(np.float32), boxes=True)


def _page(generator: np.random.Generator, height: int, width: int) -> tuple[Image.Image, list[tuple[int, ...]]]:
    image = Image.new("RGB", (width, height), _colour(generator, 200, 256))
    draw, boxes = ImageDraw.Draw(image), list[tuple[int, ...]]()
    y = int(generator.integers(6, 21))
    while y < height - 40 and len(boxes) < MOST:
        font = face(str(generator.choice(FONTS)), int(generator.integers(*SIZES)))
        text = " ".join(generator.choice(words(), generator.integers(1, 5)).tolist())
        x = int(generator.integers(6, 61))
        box = tuple(round(edge) for edge in draw.textbbox((x, y), text, font=font))
        if box[2] < width - 4 and box[3] < height - 4:
            draw.text((x, y), text, font=font, fill=_colour(generator, 0, 91))
            boxes.append(box)
        y = box[3] + int(generator.integers(10, 27))
    return image, boxes


def _colour(generator: np.random.Generator, low: int, high: int) -> tuple[int, ...]:
    return tuple(int(level) for level in generator.integers(low, high, 3))
