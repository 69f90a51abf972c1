"""The ops of the host in a run: what they read and make, in global memory or by name beside it."""

from __future__ import annotations

from math import prod

import numpy as np

from simulator.memory import Array, Memory
from simulator.onnx_host import HostFault, HostModel
from simulator.subnets import HostSubnet, HostValue

Held = dict[str, Array]
"""The host's tensors by name, as stored: those that only host ops touch, and all that one of them made."""


class HostOp:
    """A host op over a session's memory, ready to run."""

    def __init__(self, subnet: HostSubnet, memory: Memory) -> None:
        """Raises HostFault where onnxruntime refuses the model, or a tensor leaves its region."""
        self._subnet = subnet
        self._model = HostModel(subnet.model.tobytes(), subnet.name, subnet.kind)
        placed = [value for value in (*subnet.inputs, *subnet.outputs) if value.region is not None]
        self._views = {value: _view(value, memory, self._model.what) for value in placed}

    def run(self, held: Held) -> None:
        """Run on memory and on what the host holds, and leave the results there. Raises HostFault."""
        operands = [(self._operand(value, held), value.form) for value in self._subnet.inputs]
        outputs = self._subnet.outputs
        made = self._model.run(operands, [value.form for value in outputs])
        for value, array in zip(outputs, made, strict=True):
            if not _fits(array.shape, value.shape):
                raise HostFault(f"{self._model.what}: {value.name!r} is {list(array.shape)}, not {list(value.shape)}")
            held[value.name] = array
            if value in self._views:
                self._views[value][...] = array

    def _operand(self, value: HostValue, held: Held) -> Array:
        return self._views[value] if value in self._views else held[value.name]


def _fits(shape: tuple[int, ...], stated: tuple[int, ...]) -> bool:
    return len(shape) == len(stated) and all(want in (-1, have) for have, want in zip(shape, stated, strict=True))


def _view(value: HostValue, memory: Memory, what: str) -> Array:
    """The tensor where it lies."""
    assert value.region is not None
    region, kind = memory.regions[value.region], value.form.numpy
    if value.offset + prod(value.shape) * kind.itemsize > region.size:
        raise HostFault(
            f"{what}: {value.name!r} at byte {value.offset} leaves region {value.region.name} of {region.size}"
        )
    return np.ndarray(value.shape, kind, region.data, value.offset)
