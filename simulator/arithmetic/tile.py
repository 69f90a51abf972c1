"""
Products of matrices by register tiles: which tile a processor has, and the kernels that go over a product with it.

Their code is `tile_code`'s and `whole_code`'s, which import numba: it is looked at only where code must be made.
"""

from __future__ import annotations

from pathlib import Path

from simulator.arithmetic.native import Function, Kernel
from simulator.arithmetic.processor import level

LANES = level().lanes
"""Numbers in a vector register."""
ROWS, VECTORS = level().float_tile
WIDTH = VECTORS * LANES
"""A tile of floats is ROWS × WIDTH: its sums, one row of inputs and a weight fill the registers."""
DEPTH = 1024
"""Steps of k between which sums go back to memory, so that a panel of inputs stays in the cache."""

WHOLE_ROWS, WHOLE_VECTORS = level().whole_tile
WHOLE_WIDTH = WHOLE_VECTORS * LANES
"""A tile of integers, likewise."""
GROUP = level().group
"""Bytes along k in one 32-bit word of weights or inputs."""


def _accumulate() -> Function:
    from simulator.arithmetic.tile_code import accumulate

    return accumulate


def _multiply() -> Function:
    from simulator.arithmetic.whole_code import multiply

    return multiply


def _sources(module: str) -> list[Path]:
    """A file of this package and what it is put together from."""
    return [Path(__file__).with_name(f"{name}.py") for name in (module, "tile", "processor", "vectors")]


accumulate = Kernel("accumulate", _sources("tile_code"), _accumulate)
multiply = Kernel("multiply", _sources("whole_code"), _multiply)
