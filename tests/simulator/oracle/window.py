"""Windows that slide over rows and columns."""

from __future__ import annotations

from collections.abc import Mapping

Tap = tuple[int, int, int, int]
"""Kernel row and column, input row and column."""


def taps(params: Mapping[str, float], extents: tuple[int, int], y: int, x: int) -> list[Tap]:
    """What the window of result (y, x) sees of an input of (h, w), row by row; taps on padding are left out."""
    h, w = extents
    p = {name: int(value) for name, value in params.items() if name in ("kh", "kw", "sh", "sw", "dh", "dw", "pt", "pl")}
    every = [
        (i, j, y * p["sh"] + i * p["dh"] - p["pt"], x * p["sw"] + j * p["dw"] - p["pl"])
        for i in range(p["kh"])
        for j in range(p["kw"])
    ]
    return [tap for tap in every if 0 <= tap[2] < h and 0 <= tap[3] < w]
