"""Ops that look at an input wherever numbers say: grids, regions of interest, convolutions whose taps move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
import onnx

from compiler.dialects.fields import ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.arithmetic import Arithmetic, as_f32
from compiler.frontends.onnx.to_top.compose import composes
from compiler.frontends.onnx.to_top.reader import Reader

CUBIC = -0.75
"""The slope of GridSample's cubic kernel at distance 1."""


@dataclass(frozen=True)
class Tap:
    """A neighbour on one axis: its index, a whole number that exists, and its share, both (n, p, 1)."""

    index: str
    share: str


@composes("AffineGrid")
def affine_grid(reader: Reader, node: onnx.NodeProto) -> None:
    """The corners' grid, a constant, times each matrix."""
    size, aligned = reader.numbers(node, "", 1), bool(reader.attributes(node)["align_corners"])
    n, _, *extents = size
    lines = [
        np.linspace(-1, 1, extent) if aligned else (2 * np.arange(extent) + 1) / extent - 1.0 for extent in extents
    ]
    points = np.meshgrid(*lines, indexing="ij")
    grid = np.stack([*reversed([axis.ravel() for axis in points]), np.ones(prod(extents))])
    make = Arithmetic(reader, node)
    made = make.op(top.MatMulOp, node.input[0], make.constant(as_f32(grid)))
    reader.add(node, top.ReshapeOp, [make.turn(made, 0, 2, 1)], {"shape": ints(n, *extents, len(extents))})


@composes("GridSample")
def grid_sample(reader: Reader, node: onnx.NodeProto) -> None:
    """On each axis the neighbours and their shares; of each combination the rows of channels, weighed and summed."""
    given, (x, grid) = reader.attributes(node), node.input
    (n, c, *extents), made = reader.shape(x), reader.shape(node.output[0])
    mode = str(given["mode"]).removeprefix("bi")
    make, points = Arithmetic(reader, node), prod(made[2:])
    places = make.view(grid, n, points, len(extents))
    taps = list[list[Tap]]()
    for i, extent in enumerate(extents):
        share = make.add(make.cut(places, 2, len(extents) - 1 - i, 1), 1.0)
        at = make.mul(share, (extent - 1) / 2) if given["align_corners"] else _centred(make, share, extent)
        edge = 0.0 if given["align_corners"] else 0.5
        taps.append(_neighbours(make, at, mode, given["padding_mode"], extent, edge))
    table = make.turn(make.view(x, n, c, prod(extents)), 0, 2, 1)
    total = make.total([_weighed(make, table, chosen, extents) for chosen in product(*taps)])
    reader.add(node, top.ReshapeOp, [make.turn(total, 0, 2, 1)], {"shape": ints(*made)})


def _centred(make: Arithmetic, share: str, extent: int) -> str:
    """`(share · extent - 1) / 2`"""
    return make.mul(make.add(make.mul(share, float(extent)), -1.0), 0.5)


def _neighbours(make: Arithmetic, at: str, mode: str, padding: str, extent: int, edge: float) -> list[Tap]:
    """The neighbours of each point on an axis of `extent`, whose borders lie `edge` beyond the outer indices."""
    if mode == "nearest":
        at = make.op(top.RoundOp, at)
    if padding == "border":
        # A cubic kernel stays where it is; its neighbours are brought inside one by one, as PyTorch does it.
        at = at if mode == "cubic" else make.clip(at, 0.0, extent - 1.0)
    elif padding == "reflection":
        at = _reflected(make, at, extent, edge)
    if mode == "nearest":
        return [_inside(make, at, None, padding, extent, edge)]
    before = make.op(top.FloorOp, at)
    rest = make.sub(at, before)
    shares = [make.less_from(1.0, rest), rest] if mode == "linear" else _cubic_shares(make, rest)
    first = 1 - len(shares) // 2
    return [
        _inside(make, make.add(before, float(first + t)), share, padding, extent, edge)
        for t, share in enumerate(shares)
    ]


def _inside(make: Arithmetic, index: str, share: str | None, padding: str, extent: int, edge: float) -> Tap:
    """A neighbour's index brought inside; with padding of zeros its share is 0 where it was outside."""
    if padding == "reflection":
        index = _reflected(make, index, extent, edge)
    kept = make.clip(index, 0.0, extent - 1.0)
    if padding == "zeros":
        off = make.least(make.op(top.AbsOp, make.sub(index, kept)), 1.0)
        inside = make.less_from(1.0, off)
        share = inside if share is None else make.mul(share, inside)
    return Tap(kept, share or "")


def _reflected(make: Arithmetic, at: str, extent: int, edge: float) -> str:
    """A point mirrored at the borders as often as it takes: a wave of period 2·length."""
    length = extent - 1 + 2 * edge
    if length == 0:
        return make.mul(at, 0.0)
    offset = make.add(at, edge)
    turns = make.op(top.FloorOp, make.mul(offset, 1 / (2 * length)))
    within = make.sub(offset, make.mul(turns, 2 * length))
    back = make.op(top.AbsOp, make.add(within, -length))
    return make.less_from(length - edge, back)


def _cubic_shares(make: Arithmetic, rest: str) -> list[str]:
    """Keys's kernel at distances 1 + rest, rest, 1 - rest and 2 - rest."""

    def far(x: str) -> str:
        inner = make.add(make.mul(make.add(make.mul(x, CUBIC), -5 * CUBIC), x), 8 * CUBIC)
        return make.add(make.mul(inner, x), -4 * CUBIC)

    def near(x: str) -> str:
        return make.add(make.mul(make.mul(make.add(make.mul(x, CUBIC + 2), -(CUBIC + 3)), x), x), 1.0)

    other = make.less_from(1.0, rest)
    return [far(make.add(rest, 1.0)), near(rest), near(other), far(make.add(other, 1.0))]


def _weighed(make: Arithmetic, table: str, chosen: Sequence[Tap], extents: Sequence[int]) -> str:
    """The rows of `table` (n, pixels, c) at a neighbour on each axis, times their shares."""
    index = chosen[0].index
    for tap, extent in zip(chosen[1:], extents[1:], strict=True):
        index = make.add(make.mul(index, float(extent)), tap.index)
    values = make.rows(table, index)
    shares = [tap.share for tap in chosen if tap.share]
    if not shares:
        return values
    share = shares[0]
    for other in shares[1:]:
        share = make.mul(share, other)
    return make.mul(values, share)
