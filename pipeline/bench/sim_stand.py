"""A program run in an order of one's choice, on the same feeds each time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import host
from simulator.cores import Turn
from simulator.isa.table import Region
from simulator.machine import Machine
from simulator.memory import Memory
from simulator.model_file import Model


class Stand:
    """The memory and the inputs of a program without ops of the host."""

    def __init__(self, model: Model, feeds: Mapping[str, NDArray[Any]]) -> None:
        """`feeds`: one batch by input."""
        self._feeds = {
            entry.offset: host.stored(entry, np.asarray(feeds[entry.name])).tobytes() for entry in model.inputs
        }

    def result(self, model: Model, order: Sequence[Turn]) -> bytes:
        """What the region of inputs and outputs holds at the end. Raises IllegalRecord."""
        memory = Memory(model.chip, model.weights, model.activation_bytes, model.io_bytes)
        region = memory.regions[Region.IO]
        for offset, feed in self._feeds.items():
            region[offset : offset + len(feed)] = np.frombuffer(feed, np.uint8)
        Machine([memory, *(memory.beside() for _ in model.others)], model.cores, order=order).run()
        return region.tobytes()
