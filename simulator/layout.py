"""
How a tensor lies in lane-local memory: the one rule that compiler and chip share.

A frame (n, c, h, w) puts channel c in lane c mod lanes, at depth c // lanes. In a lane, planes of h·w elements follow
each other, depth by depth, then image by image. A plane begins on a multiple of `eu_bytes`, so that the element units
read it in whole words; planes of one element lie densely (vectors, matrices).
"""

from __future__ import annotations

from simulator.chip import Chip

Frame = tuple[int, int, int, int]
Strides = tuple[int, int, int, int]
"""Bytes in a lane from one index to the next, of n, of depth (c // lanes), of h and of w."""


def up(n: int, d: int) -> int:
    """Quotient n ÷ d, rounded up."""
    return -(-n // d)


def strides(frame: Frame, itemsize: int, chip: Chip) -> Strides:
    """Byte strides of a tensor that lies by itself in local memory."""
    _, c, h, w = frame
    plane = h * w * itemsize
    if h * w != 1:
        plane = up(plane, chip.eu_bytes) * chip.eu_bytes
    return up(c, chip.lanes) * plane, plane, w * itemsize, itemsize


def lane_bytes(frame: Frame, itemsize: int, chip: Chip) -> int:
    """Bytes the tensor takes in each lane, a multiple of `eu_bytes`."""
    total = frame[0] * strides(frame, itemsize, chip)[0]
    return up(total, chip.eu_bytes) * chip.eu_bytes
