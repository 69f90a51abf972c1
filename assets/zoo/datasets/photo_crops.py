"""Pieces of photographs at half their size, to be enlarged, and the pieces as they were."""

import numpy as np
from PIL import Image

from assets.zoo.datasets.photos import photo
from assets.zoo.datasets.samples import NotInDataSet, Part, Samples, as_pixels, pixels_of

SEEDS: dict[Part, int] = {"calibration": 70, "evaluation": 71}
PHOTOS: dict[Part, tuple[str, ...]] = {
    "calibration": ("motorcycle_right.png", "brick.png", "grass.png", "gravel.png", "camera.png", "moon.png"),
    "evaluation": (
        *("china.jpg", "flower.jpg", "chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png"),
        *("motorcycle_left.png", "ihc.png", "retina.jpg", "hubble_deep_field.jpg"),
    ),
}


def samples(part: Part, count: int, shape: tuple[int, ...]) -> Samples:
    """Pieces of `shape` (3, h, w), of each photograph in turn; labels uint8 (count, 3, 2·h, 2·w)."""
    if shape[0] != 3:
        raise NotInDataSet(f"photo_crops are colour images (3, h, w), not {shape}")
    height, width = shape[1:]
    small, whole = list[Image.Image](), list[Image.Image]()
    for i in range(count):
        generator = np.random.default_rng([SEEDS[part], i])
        picture = photo(PHOTOS[part][i % len(PHOTOS[part])])
        x = int(generator.integers(picture.width - 2 * width + 1))
        y = int(generator.integers(picture.height - 2 * height + 1))
        whole.append(picture.crop((x, y, x + 2 * width, y + 2 * height)))
        small.append(whole[-1].resize((width, height), Image.Resampling.BICUBIC))
    labels = np.stack([pixels_of(piece) for piece in whole]).astype(np.uint8)
    return Samples(as_pixels(np.stack([pixels_of(piece) for piece in small])), labels)
