"""
Unlabelled pictures from a seed, with the statistics that matter to ranges: for nets whose weights mean nothing.

Noise with a 1/f amplitude spectrum (Field, 1987: that of natural scenes), correlated over the channels, plus a few flat
discs for edges.
"""

import numpy as np
from numpy.typing import NDArray

from assets.zoo.datasets.samples import Part, Samples, as_pixels

SEEDS: dict[Part, int] = {"calibration": 0, "evaluation": 1}
DISCS = 6
COMMON = 0.8
"""Share of a channel's noise that all channels have in common."""


def samples(part: Part, count: int, shape: tuple[int, ...]) -> Samples:
    """Pictures of `shape` (c, h, w), whatever it is."""
    made = [_picture(np.random.default_rng([SEEDS[part], i]), *shape) for i in range(count)]
    return Samples(as_pixels(np.stack(made)), None)


def _picture(generator: np.random.Generator, c: int, h: int, w: int) -> NDArray[np.float64]:
    """Pixels (c, h, w) in 0..255, whole numbers."""
    noise = np.stack([_pink(generator, h, w) for _ in range(c + 1)])
    scene = 127 + 55 * (COMMON * noise[:1] + (1 - COMMON) * noise[1:])
    y, x = np.ogrid[:h, :w]
    for _ in range(DISCS):
        cy, cx, radius = generator.uniform(0, h), generator.uniform(0, w), generator.uniform(0.03, 0.2) * min(h, w)
        inside = (y - cy) ** 2 + (x - cx) ** 2 < radius**2
        scene = np.where(inside, generator.uniform(0, 255, (c, 1, 1)), scene)
    return np.clip(np.round(scene), 0, 255)


def _pink(generator: np.random.Generator, h: int, w: int) -> NDArray[np.float64]:
    """1/f noise (h, w), mean 0 and standard deviation 1."""
    distance = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w)[None])
    distance[0, 0] = np.inf
    phases = np.exp(2j * np.pi * generator.random(distance.shape))
    made = np.fft.irfft2(phases / distance, (h, w))
    return (made - made.mean()) / made.std()
