"""Characters on photographs as in `glyph_scenes`, and which pixels are theirs: for nets that tell figure and ground."""

import numpy as np

from assets.zoo.datasets.glyph_scenes import Kind, scene
from assets.zoo.datasets.samples import NotInDataSet, Part, Samples, as_pixels, pixels_of

SEEDS: dict[Part, int] = {"calibration": 40, "evaluation": 41}
SIZES = (0.3, 0.6)
"""Of a glyph, in parts of the picture's height."""


def samples(part: Part, count: int, shape: tuple[int, ...]) -> Samples:
    """
    Scenes of `shape` (3, h, w) with one to six glyphs; labels are masks, uint8 (count, 1, h, w).

    Raises NotInDataSet, PackageUnavailable.
    """
    if shape[0] != 3:
        raise NotInDataSet(f"glyph_masks are colour images (3, h, w), not {shape}")
    low, high = (round(size * shape[1]) for size in SIZES)
    kind = Kind(shape[1], shape[2], (low, high), fewest=1, gap=0)
    made = [scene(np.random.default_rng([SEEDS[part], i]), kind) for i in range(count)]
    masks = np.stack([one.mask[None] for one in made]).astype(np.uint8)
    return Samples(as_pixels(np.stack([pixels_of(one.image) for one in made])), masks)
