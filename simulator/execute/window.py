"""The sliding window of a record, made to fit its result exactly."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.execute.site import Site


@dataclass(frozen=True)
class Fitted:
    """
    A window over (h, w) that makes just the result's rows and columns.

    `pads` are top, left, bottom, right; `crop` is the part of the input that windows reach.
    """

    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    dilations: tuple[int, int]
    crop: tuple[slice, slice, slice, slice]


def window_of(site: Site, result: tuple[int, int, int, int]) -> Fitted:
    """
    The record's window, for a result (n, c, oh, ow).

    The result may be smaller than the window could make of the input: what no window reaches is cut off. Raises
    IllegalRecord where a window would reach beyond input and padding, or see padding alone.
    """
    n, _, h, w = site.operand("in").dims
    if n != result[0]:
        site.fail("in", f"{n} images make {result[0]}")
    before_h, after_h, rows = _axis(site, "h", "t", "b", h, result[2])
    before_w, after_w, columns = _axis(site, "w", "l", "r", w, result[3])
    kernel, strides, dilations = ((site.integer(f"{what}h"), site.integer(f"{what}w")) for what in "ksd")
    crop = (slice(None), slice(None), slice(rows), slice(columns))
    return Fitted(kernel, strides, (before_h, before_w, after_h, after_w), dilations, crop)


def _axis(site: Site, axis: str, first: str, last: str, extent: int, made: int) -> tuple[int, int, int]:
    """Padding before, padding after, and input rows (or columns) that `made` windows reach."""
    kernel, stride, dilation = (site.integer(f"{what}{axis}") for what in "ksd")
    before, after = site.integer(f"p{first}"), site.integer(f"p{last}")
    if min(kernel, stride, dilation) < 1:
        site.fail(f"k{axis}", f"kernel {kernel}, stride {stride} and dilation {dilation} must be at least 1")
    reach = dilation * (kernel - 1) + 1
    if max(before, after) >= reach:
        site.fail(f"p{first}", f"padding {before} and {after} isn't below the window's reach, {reach}")
    end = (made - 1) * stride + reach - before
    if end > extent + after:
        site.fail(f"p{last}", f"{made} windows reach {end} of {extent} and {after} of padding")
    if end <= extent:
        return before, 0, max(end, 1)
    return before, end - extent, extent
