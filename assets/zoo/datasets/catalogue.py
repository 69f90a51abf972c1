"""The data sets by the name that a record uses, which is that of their module."""

from collections.abc import Mapping

from assets.zoo.datasets import (
    fashion_mnist,
    glyph_masks,
    glyph_scenes,
    japanese_vowels,
    mnist5k,
    photo_crops,
    seeded_images,
    seeded_normal,
    speech,
    spellings,
    stamps,
    text_lines,
    text_pages,
    text_words,
    word_pairs,
)
from assets.zoo.datasets.samples import DataSet, Values

DATASETS: Mapping[str, DataSet] = {
    "fashion_mnist": fashion_mnist.samples,
    "glyph_masks": glyph_masks.samples,
    "glyph_scenes": glyph_scenes.samples,
    "mnist5k": mnist5k.samples,
    "photo_crops": photo_crops.samples,
    "seeded_images": seeded_images.samples,
    "stamps": stamps.samples,
    "text_lines": text_lines.samples,
    "text_pages": text_pages.samples,
    "text_words": text_words.samples,
}
"""Pictures, which feed a network of one input."""

VALUES: Mapping[str, Values] = {
    "japanese_vowels": japanese_vowels.values,
    "seeded_normal": seeded_normal.values,
    "speech": speech.values,
    "spellings": spellings.values,
    "word_pairs": word_pairs.values,
}
"""Numbers as the network takes them."""


class UnknownDataSet(LookupError):
    """A record names a data set that isn't there; the message lists those that are."""


def data_set(name: str) -> DataSet:
    """The pictures of that name. Raises UnknownDataSet."""
    check(name)
    return DATASETS[name]


def check(name: str) -> None:
    """Raise UnknownDataSet for a name that is neither of pictures nor of values."""
    if name not in {**DATASETS, **VALUES}:
        raise UnknownDataSet(f"no data set {name!r}; there are {', '.join([*DATASETS, *VALUES])}")
