"""The data sets by the name that a record uses."""

from collections.abc import Mapping

from assets.zoo.datasets import mnist5k, seeded_images, text_lines
from assets.zoo.datasets.samples import DataSet

DATASETS: Mapping[str, DataSet] = {
    "mnist5k": mnist5k.samples,
    "seeded_images": seeded_images.samples,
    "text_lines": text_lines.samples,
}


class UnknownDataSet(LookupError):
    """A record names a data set that isn't there; the message lists those that are."""


def data_set(name: str) -> DataSet:
    """The data set of that name. Raises UnknownDataSet."""
    if name not in DATASETS:
        raise UnknownDataSet(f"no data set {name!r}; there are {', '.join(DATASETS)}")
    return DATASETS[name]
