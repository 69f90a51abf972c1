"""
The walks over all accesses of a program, as kernels: who touched each cell of shadow memory last, and what is amiss.

Their code is `shadow_code`'s, which imports numba: it is looked at only where machine code must be made.
"""

from __future__ import annotations

from pathlib import Path

from simulator.arithmetic.native import Function, Kernel

UNINITIALISED, RAW, WAW, WAR = range(4)
"""Kinds of hits."""

COLUMNS = 9
"""Of a hit: kind, visit, access, latest, other stream, first byte, byte after the last, lane classes likewise."""

_SOURCES = [Path(__file__).with_name(f"{name}.py") for name in ("shadow_code", "shadow_run")]


def _run() -> Function:
    from simulator.checks.shadow_code import run

    return run


def _readers() -> Function:
    from simulator.checks.shadow_code import readers

    return readers


run = Kernel("shadow_run", _SOURCES, _run)
readers = Kernel("shadow_readers", _SOURCES, _readers)
