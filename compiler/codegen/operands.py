"""Operand descriptors: where a slice of a tensor lies in local or global memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import SSAValue

from compiler.dialects.access import Box, Frame
from compiler.dialects.tpu.base import frame_of
from compiler.ir.network import name_of, tensor
from compiler.ir.storage import BF16, storage
from simulator import layout
from simulator.chip import Chip
from simulator.isa.record import Operand
from simulator.isa.table import DType, Region

REGION_SHIFT = 40
"""A tensor's address in the text is `region << 40 | offset`."""

DTYPES = {
    np.dtype(np.float32): DType.F32,
    BF16: DType.BF16,
    np.dtype(np.float16): DType.F16,
    np.dtype(np.int8): DType.I8,
    np.dtype(np.uint8): DType.U8,
    np.dtype(np.int32): DType.I32,
}
"""The chip's name of each storage type that it has."""


class NotAddressed(ValueError):
    """A tensor has no address, so the module hasn't been through memory assignment."""


def dtype(value: SSAValue) -> DType:
    """The chip's element type of a value. Raises TypeError for one the chip doesn't store."""
    kind = storage(value)
    if kind not in DTYPES:
        raise TypeError(f"{name_of(value)!r}: the chip has no {kind} elements")
    return DTYPES[kind]


def extents(box: Box) -> Frame:
    """(n, c, h, w) of the first four ranges of a box."""
    n, c, h, w = (len(r) for r in box[:4])
    return n, c, h, w


def address(value: SSAValue) -> tuple[Region, int]:
    """Region and byte offset of a global tensor, from its type's encoding. Raises NotAddressed."""
    encoding = tensor(value).encoding
    if not isinstance(encoding, IntegerAttr):
        raise NotAddressed(f"{name_of(value)!r} has no address; run memory assignment first")
    stated = encoding.value.data
    return Region(stated >> REGION_SHIFT), stated & ((1 << REGION_SHIFT) - 1)


def in_global(value: SSAValue, box: Box | None = None) -> Operand:
    """A tensor, or a box of its frame, in global memory: contiguous in (n, c, h, w)."""
    region, offset = address(value)
    _, c, h, w = frame_of(value)
    size = dtype(value).itemsize
    strides = (c * h * w * size, h * w * size, w * size, size)
    if box is None:
        box = tuple(map(range, frame_of(value)))
    offset += sum(r.start * stride for r, stride in zip(box, strides, strict=True))
    return Operand(offset, dtype(value), extents(box), strides, region)


def in_local(addr: int, kind: DType, held: Frame, chip: Chip) -> Operand:
    """A slice of extents `held` that has a buffer of its own at lane-local byte `addr`."""
    return Operand(addr, kind, held, layout.strides(held, kind.itemsize, chip))


def part_of(whole: Operand, start: Sequence[int], dims: Frame, chip: Chip) -> Operand:
    """The part of a local tensor that begins at index `start` (n, c, h, w) and has extents `dims`."""
    n, c, h, w = start
    depth, lane = divmod(whole.lane + c, chip.lanes)
    sn, sc, sh, sw = whole.strides
    return replace(whole, addr=whole.addr + n * sn + depth * sc + h * sh + w * sw, lane=lane, dims=dims)


def regrouped(plane: Operand, h: int, w: int) -> Operand:
    """A local operand whose planes lie without gaps, their elements seen in other rows and columns."""
    n, c, *_ = plane.dims
    sn, sc, *_ = plane.strides
    size = plane.dtype.itemsize
    return replace(plane, dims=(n, c, h, w), strides=(sn, sc, w * size, size))


def stretched(operand: Operand, dims: Frame) -> Operand:
    """An operand read as if it had extents `dims`: an axis of 1 is repeated by stride 0."""
    n, c, h, w = (
        0 if have == 1 and want != 1 else stride
        for have, want, stride in zip(operand.dims, dims, operand.strides, strict=True)
    )
    return replace(operand, dims=dims, strides=(n, c, h, w))
