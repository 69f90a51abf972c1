"""Unlabelled standard-normal numbers from a seed, for inputs of any number and shape: when nothing is known of them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from assets.zoo.datasets.samples import Part

SEEDS: dict[Part, int] = {"calibration": 20, "evaluation": 21}


def values(part: Part, count: int, inputs: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[np.float32]]:
    """`count` samples of each input, float32 (count, …), of the extents in `inputs` but the first."""
    return {
        name: np.stack([_sample(SEEDS[part], place, i, extents[1:]) for i in range(count)])
        for place, (name, extents) in enumerate(inputs.items())
    }


def _sample(seed: int, place: int, index: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.random.default_rng([seed, place, index]).standard_normal(shape, np.float32)
