"""Chip results against TPU results, byte by byte."""

import numpy as np
from numpy.typing import NDArray

from compiler.results import Array, Results


class Unmatched(ValueError):
    """A tensor that one side has and the other lacks, or has with other extents or another type."""


def mismatched_bytes(tpu: Results, chip: Results) -> int:
    """How many bytes differ over all tensors. Raises Unmatched: a tensor without a partner is no match."""
    if alone := sorted(set(tpu.arrays) ^ set(chip.arrays)):
        raise Unmatched(f"no partner for {', '.join(alone)}")
    wrong = 0
    for name, wanted in tpu.arrays.items():
        made = chip.arrays[name]
        if (wanted.shape, wanted.dtype) != (made.shape, made.dtype):
            raise Unmatched(f"{name!r} is {wanted.dtype} {wanted.shape} by TPU, {made.dtype} {made.shape} on the chip")
        wrong += int(np.count_nonzero(_bytes(wanted) != _bytes(made)))
    return wrong


def _bytes(array: Array) -> NDArray[np.uint8]:
    return np.frombuffer(array.tobytes(), np.uint8)
