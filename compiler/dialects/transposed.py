"""
The window of a transposed convolution: a plain one over the zero-inserted input, its kernel flipped (numerics.md §3).

No zero is ever inserted. Result rows whose numbers leave the same rest by the stride, a *phase*, meet the same taps of
the kernel; on them the op is a convolution with stride 1 of the input as it is. So every result is one sum, its taps in
the order of the flipped kernel, however the result is cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import gcd

from compiler.dialects.access import Access, Follows


@dataclass(frozen=True)
class Span:
    """
    What the windows of one phase make of a range of results, on one axis.

    `offset` is the first result's place in the range, `count` how many there are, `stride` apart. `read` are the
    indices of the input that they reach; `before` and `after`, how far they overhang it.
    """

    offset: int
    count: int
    read: range
    before: int
    after: int


@dataclass(frozen=True)
class Axis:
    """One axis of the window: `taps` of the kernel, `pad` cut off before the first result."""

    taps: int
    stride: int
    pad: int
    dilation: int

    @property
    def reach(self) -> int:
        """Results that one input index adds to, holes included."""
        return self.dilation * (self.taps - 1) + 1

    @property
    def is_plain(self) -> bool:
        """Whether every phase has taps, as far apart as the dilation: what the chip runs."""
        return self.taps >= self.stride and gcd(self.stride, self.dilation) == 1

    def phase(self, rest: int) -> list[int]:
        """The kernel's taps that meet results `o` with `(o + pad) mod stride = rest`, in the order of the sum."""
        return [k for k in reversed(range(self.taps)) if k * self.dilation % self.stride == rest]

    def span(self, rest: int, results: range, extent: int) -> Span | None:
        """A phase's share of `results`, of an input of `extent` indices; None where it has none."""
        offset = (rest - self.pad - results.start) % self.stride
        if offset >= len(results):
            return None
        taps, count = self.phase(rest), -(-(len(results) - offset) // self.stride)
        first = (results.start + offset + self.pad - taps[0] * self.dilation) // self.stride
        stop = first + count + (taps[0] - taps[-1]) * self.dilation // self.stride
        read = range(max(first, 0), min(stop, extent))
        return Span(offset, count, read, read.start - first, stop - read.stop)

    def overhang(self, results: int, extent: int) -> tuple[int, int]:
        """Input indices missing before and after, without which some result's window would meet no input at all."""
        before = after = 0
        for o in {*range(results)[: self.stride], *range(results)[-self.stride :]}:
            taps = self.phase((o + self.pad) % self.stride)
            before = max(before, -((o + self.pad - taps[-1] * self.dilation) // self.stride))
            after = max(after, (o + self.pad - taps[0] * self.dilation) // self.stride - extent + 1)
        return before, after


@dataclass(frozen=True)
class Phase:
    """A plain convolution of stride 1: its taps among those of the filter, its kernel, and its share of the results."""

    taps: slice
    kernel: tuple[int, int]
    rows: Span
    columns: Span

    @property
    def pads(self) -> tuple[int, int, int, int]:
        """Top, left, bottom, right."""
        return self.rows.before, self.columns.before, self.rows.after, self.columns.after


@dataclass(frozen=True)
class Transposed:
    """The window over the last two axes of (n, c, h, w)."""

    rows: Axis
    columns: Axis

    def shares(self, rows: range, columns: range, extents: tuple[int, int]) -> Iterator[Phase]:
        """What is to be done for these results, of an input of (h, w) `extents`: phases without a share left out."""
        first = 0
        for by_row, by_column in self.phases():
            kernel = len(self.rows.phase(by_row)), len(self.columns.phase(by_column))
            taps = slice(first, first := first + kernel[0] * kernel[1])
            down = self.rows.span(by_row, rows, extents[0])
            across = self.columns.span(by_column, columns, extents[1])
            if down and across:
                yield Phase(taps, kernel, down, across)

    def phases(self) -> list[tuple[int, int]]:
        """Every pair of rests."""
        return list(product(range(self.rows.stride), range(self.columns.stride)))

    def taps(self, phase: tuple[int, int]) -> list[int]:
        """The taps of a phase in the order of its sum, as indices into kh·kw."""
        rows, columns = self.rows.phase(phase[0]), self.columns.phase(phase[1])
        return [i * self.columns.taps + j for i, j in product(rows, columns)]

    def order(self) -> list[int]:
        """All taps, phase after phase: how the chip's filter lies."""
        return [tap for phase in self.phases() for tap in self.taps(phase)]

    def reads(self) -> Access:
        """The rows and columns under the windows of an output slice: output axes 2 and 3."""
        return tuple(
            Follows(2 + i, 1, axis.pad - (axis.taps - 1) * axis.dilation + axis.stride - 1, axis.pad, axis.stride)
            for i, axis in enumerate((self.rows, self.columns))
        )
