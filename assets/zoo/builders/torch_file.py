"""
Arrays out of a PyTorch checkpoint of the old kind (before 1.6: pickles, then storages), without PyTorch.

A pickle can run anything; this reader knows three names and refuses all others.
"""

import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from io import BytesIO
from math import prod
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
    """Gives (storage key, dtype, offset, extents) in the place of a tensor."""

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


def _tensor(storage: tuple[str, str], offset: int, extents: tuple[int, ...], *_: Any) -> Any:
    return (*storage, offset, tuple(extents))


def arrays(content: bytes) -> dict[str, NDArray[Any]]:
    """The checkpoint's arrays by name; contiguous ones only. Raises BadCheckpoint."""
    stream = BytesIO(content)
    heads = [_Reader(stream).load() for _ in range(HEADERS)]
    if heads[0] != MAGIC:
        raise BadCheckpoint("this isn't a checkpoint of PyTorch before 1.6")
    told: dict[str, tuple[str, str, int, tuple[int, ...]]] = _Reader(stream).load()
    dtypes = {key: dtype for key, dtype, _, _ in told.values()}
    storages = dict[str, NDArray[Any]]()
    for key in _Reader(stream).load():
        (count,) = struct.unpack("<q", stream.read(8))
        dtype = np.dtype(dtypes[key])
        storages[key] = np.frombuffer(stream.read(count * dtype.itemsize), dtype)
    return {
        name: storages[key][offset : offset + prod(extents)].reshape(extents)
        for name, (key, _, offset, extents) in told.items()
    }
