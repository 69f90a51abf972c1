"""The contiguous runs of bytes in global memory that a transfer touches: each takes whole bursts."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.isa.record import Operand


def contiguous(far: Operand) -> tuple[int, int]:
    """Number and bytes of the contiguous runs of an operand in global memory; an axis of stride 0 is fetched once."""
    length, runs = far.dtype.itemsize, 1
    for extent, stride in zip(reversed(far.dims), reversed(far.strides), strict=True):
        if extent == 1 or stride == 0:
            continue
        if runs == 1 and stride == length:
            length *= extent
        else:
            runs *= extent
    return runs, length


def indexed_runs(dims: Sequence[int], strides: Sequence[int], steps: Sequence[int], size: int) -> tuple[int, int]:
    """Number and bytes of the contiguous runs of elements of `size` bytes whose index, by its strides, is one."""
    length, runs = size, 1
    for extent, stride, step in zip(reversed(dims), reversed(strides), reversed(steps), strict=True):
        if extent == 1:
            continue
        if runs == 1 and step == 0 and stride == length:
            length *= extent
        else:
            runs *= extent
    return runs, length
