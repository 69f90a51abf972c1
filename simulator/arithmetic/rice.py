"""
Bytes packed by Golomb-Rice codes (Rice, 1979), as UNPACK reads them: small numbers, of either sign, take few bits.

A stream is bits, the lowest of each byte first. Each block of `BLOCK` bytes (the last may be shorter) begins with 3
bits k. At k = 7 its bytes follow as they are. Else each byte b, read as signed, is u = 2·b for b ≥ 0 and −2·b − 1
below, written as u >> k ones, a zero, and the low k bits of u.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.native import native

Bytes = NDArray[np.uint8]

BLOCK = 16
"""Bytes that share a k."""

RAW = 7
"""The k of a block of plain bytes."""


class BadStream(ValueError):
    """A packed stream that ends too early, or has a code that no byte has."""


def unpacked(stream: Bytes, count: int) -> Bytes:
    """The first `count` bytes that a stream holds. Raises BadStream."""
    made = np.empty(count, np.uint8)
    if _unpack(np.ascontiguousarray(stream), made) < 0:
        raise BadStream(f"a packed stream of {len(stream)} bytes doesn't hold {count}")
    return made


def bits(values: Bytes, k: int) -> NDArray[np.int64]:
    """Bits that each byte takes at a `k` below RAW."""
    return (folded(values) >> k).astype(np.int64) + 1 + k


def folded(values: Bytes) -> Bytes:
    """U of each byte: its distance from zero, doubled, the sign in the lowest bit."""
    signed = values.view(np.int8).astype(np.int16)
    return ((signed << 1) ^ (signed >> 15)).astype(np.uint8)


@native
def _unpack(stream: Bytes, made: Bytes) -> int:
    """Fill `made`; the bits read, or -1."""
    end, at, k = 8 * len(stream), 0, 0
    for i in range(len(made)):
        if i % BLOCK == 0:
            if at + 3 > end:
                return -1
            k = 0
            for bit in range(3):
                k |= ((stream[at >> 3] >> (at & 7)) & 1) << bit
                at += 1
        value = 0
        if k != RAW:
            while at < end and (stream[at >> 3] >> (at & 7)) & 1:
                value += 1
                at += 1
            at += 1
            value <<= k
        width = 8 if k == RAW else k
        if at + width > end or value > 255:
            return -1
        for bit in range(width):
            value |= ((stream[at >> 3] >> (at & 7)) & 1) << bit
            at += 1
        made[i] = value if k == RAW else (value >> 1) ^ -(value & 1) & 255
    return at
