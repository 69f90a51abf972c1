"""
Arrays out of a PyTorch checkpoint of the old kind (before 1.6: pickles, then storages), without PyTorch.

A pickle can run anything; this reader knows three names and refuses all others.
"""

import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C


class BadCheckpoint(ValueError):
    """A file isn't a checkpoint of the kind that is read here, or asks for more than arrays."""


DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
HEADERS = 3
"""Pickles before the one of the arrays: the magic number, the protocol, the machine."""


class _Reader(pickle.Unpickler):
    """Gives a Stored in the place of a tensor."""

    def find_class(self, module: str, name: str) -> Any:
        """One of the names that arrays need. Raises BadCheckpoint."""
        known: dict[tuple[str, str], Callable[..., Any] | str] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            **{("torch", kind): kind for kind in DTYPES},
        }
        if (module, name) not in known:
            raise BadCheckpoint(f"the checkpoint asks for {module}.{name}; only arrays are read")
        return known[module, name]

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        """A storage's key and dtype."""
        _, kind, key, *_ = pid
        return str(key), DTYPES[kind]


@dataclass(frozen=True)
class Stored:
    """Where a tensor's numbers lie: a storage's key and dtype, the first number, extents and steps in numbers."""

    key: str
    dtype: str
    offset: int
    extents: tuple[int, ...]
    steps: tuple[int, ...]

    def array(self, storage: NDArray[Any]) -> NDArray[Any]:
        """The tensor, in C order."""
        steps = [step * storage.itemsize for step in self.steps]
        return np.ascontiguousarray(np.lib.stride_tricks.as_strided(storage[self.offset :], self.extents, steps))


def _tensor(storage: tuple[str, str], offset: int, extents: tuple[int, ...], steps: tuple[int, ...], *_: Any) -> Stored:
    return Stored(*storage, offset, tuple(extents), tuple(steps))


def arrays(content: bytes) -> dict[str, NDArray[Any]]:
    """The checkpoint's arrays by name. Raises BadCheckpoint."""
    stream = BytesIO(content)
    heads = [_Reader(stream).load() for _ in range(HEADERS)]
    if heads[0] != MAGIC:
        raise BadCheckpoint("this isn't a checkpoint of PyTorch before 1.6")
    told: dict[str, Stored] = _Reader(stream).load()
    dtypes = {stored.key: np.dtype(stored.dtype) for stored in told.values()}
    storages = dict[str, NDArray[Any]]()
    for key in _Reader(stream).load():
        (count,) = struct.unpack("<q", stream.read(8))
        storages[key] = np.frombuffer(stream.read(count * dtypes[key].itemsize), dtypes[key])
    return {name: stored.array(storages[stored.key]) for name, stored in told.items()}
