"""One pass over real inputs, for the range of every tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np

from compiler.feeds import BadData
from compiler.ir.network import Array
from compiler.quantization.histogram import Histogram
from compiler.quantization.table import Entry
from compiler.quantization.thresholds import threshold


class Runner(Protocol):
    """What runs the network in float: feeds by input name to every tensor by name, in order."""

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Every tensor the network computes."""
        ...


def collect(
    network: Runner, batches: Iterator[dict[str, Array]], total: int, bins: int, progress: Callable[[int, int], None]
) -> dict[str, Histogram]:
    """
    A histogram of every input and computed tensor of floats, by name, inputs first; integers aren't quantised.

    A batch is counted by a second thread while the next one runs; no more than two are in memory. Raises BadData,
    naming tensor and batch, where a value isn't finite.
    """
    found: dict[str, Histogram] = {}
    counting: Future[None] | None = None
    with ThreadPoolExecutor(1) as counter:
        for i, feeds in enumerate(batches):
            tensors = feeds | network.run(feeds)
            if counting is not None:
                counting.result()
            counting = counter.submit(_count, tensors, bins, i, found)
            progress(i + 1, total)
        if counting is not None:
            counting.result()
    return found


def entries(histograms: Mapping[str, Histogram], method: str) -> dict[str, Entry]:
    """The table's entries by the method; none of a tensor that never had an element. Raises UnknownMethod."""
    seen = {name: h for name, h in histograms.items() if h.low <= h.high}
    return {name: Entry(threshold(method, h), h.low, h.high) for name, h in seen.items()}


def _count(tensors: Mapping[str, Array], bins: int, batch: int, found: dict[str, Histogram]) -> None:
    floats = ((name, array) for name, array in tensors.items() if array.dtype == np.float32)
    for name, array in floats:
        try:
            found.setdefault(name, Histogram(bins)).add(array)
        except ValueError as error:
            raise BadData(f"tensor {name!r} in batch {batch}: {error}; look at that sample, or the model") from None
