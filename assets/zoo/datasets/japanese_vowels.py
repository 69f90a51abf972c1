"""
Japanese Vowels (Kudo et al., 1999): nine speakers say "ae"; 12 cepstral coefficients a step, 7 to 29 steps.

270 series to train and calibrate, 370 to test, as aeon packages them. Shorter ones are filled up with zeros at the
front, so that the last step is a real one.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.zoo.datasets.samples import NotInDataSet, Part
from assets.zoo.packages import Wheel, member

WHEEL = Wheel("aeon", "1.6.0", "d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409")
FILES: dict[Part, str] = {"calibration": "TRAIN", "evaluation": "TEST"}
STEPS, CHANNELS = 29, 12


def values(part: Part, count: int, inputs: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[Any]]:
    """
    Series (count, 29, 12) for the one input, and the speakers 0..8.

    In an order of a seed: the files have one speaker after the other. Raises NotInDataSet, PackageUnavailable.
    """
    series, speakers = _part(part)
    if len(inputs) != 1 or next(iter(inputs.values()))[1:] != (STEPS, CHANNELS) or count > len(series):
        told = {name: list(extents) for name, extents in inputs.items()}
        raise NotInDataSet(f"japanese_vowels has {len(series)} series of [29, 12] for {part}; {count} of {told} asked")
    order = np.random.default_rng(0).permutation(len(series))[:count]
    return {next(iter(inputs)): series[order], "labels": speakers[order]}


@cache
def _part(part: Part) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    text = member(WHEEL, f"aeon/datasets/data/JapaneseVowels/JapaneseVowels_{FILES[part]}.ts").decode()
    lines = [line for line in text.split("@data", 1)[1].splitlines() if line.strip()]
    series = np.zeros((len(lines), STEPS, CHANNELS), np.float32)
    for i, line in enumerate(lines):
        held = np.array([channel.split(",") for channel in line.split(":")[:-1]], np.float32).T
        series[i, STEPS - len(held) :] = held
    return series, np.array([int(line.rsplit(":", 1)[1]) - 1 for line in lines])
