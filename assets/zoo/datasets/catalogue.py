"""The data sets by the name that a record uses."""

from collections.abc import Mapping

from assets.zoo.datasets import mnist5k, seeded_images, seeded_normal, text_lines
from assets.zoo.datasets.samples import DataSet, Values

DATASETS: Mapping[str, DataSet] = {
    "mnist5k": mnist5k.samples,
    "seeded_images": seeded_images.samples,
    "text_lines": text_lines.samples,
}
"""Pictures, which feed a network of one input."""

VALUES: Mapping[str, Values] = {"seeded_normal": seeded_normal.values}
"""Numbers as the network takes them, for any inputs."""


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
