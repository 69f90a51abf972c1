"""`#tpu.lg`: where an op of a layer group stands, tile by tile and byte by byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

from xdsl.ir import Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

from compiler.dialects.access import Box

AXES = "nchw"
DRIVERS = "nchwk"

OWN = "p"
"""Drives an axis that is no axis of the group's: within each tile an op runs in parts of its own, in turn."""


@dataclass(frozen=True)
class Cuts:
    """
    One axis of a value in a group: the ranges it is handled in.

    `driver` names the group axis (n, c, h, w, k) whose tile index chooses the range; empty where the axis is handled
    whole and `ranges` has one entry. Ranges may overlap (halo). With the driver `OWN` they follow each other within
    every tile.
    """

    ranges: tuple[range, ...]
    driver: str = ""

    def at(self, tile: Mapping[str, int]) -> range:
        """The range for a tile, given as its index on each group axis; with parts' index on `OWN` for one of them."""
        if not self.driver:
            return self.ranges[0]
        if self.driver == OWN and OWN not in tile:
            return self.span
        return self.ranges[tile[self.driver]]

    @property
    def span(self) -> range:
        """From the first range's start to the last one's end."""
        return range(self.ranges[0].start, self.ranges[-1].stop)

    @cached_property
    def longest(self) -> int:
        """The extent of the longest range: what a buffer must hold."""
        return max(map(len, self.ranges))

    def __str__(self) -> str:
        return self.driver + "[" + ", ".join(f"{r.start}:{r.stop}" for r in self.ranges) + "]"


@cache
def uncut(extent: int) -> Cuts:
    """The whole axis in every tile."""
    return Cuts((range(extent),))


@dataclass(frozen=True)
class Slices:
    """
    What one op of a group handles in each tile, and where.

    `axes` cuts the frame (n, c, h, w) of its result (of what is moved, for Load and Store); `steps` cuts its
    reduction. `addr` holds the lane-local byte address of each buffer of the result, used in turn, and `size` the
    bytes a lane of one. `acc` is the address of the f32 or i32 accumulators, `tmp` those of f32 temporaries; -1 and
    () where there are none.
    """

    axes: tuple[Cuts, Cuts, Cuts, Cuts]
    steps: Cuts = field(default_factory=lambda: uncut(1))
    addr: tuple[int, ...] = ()
    size: int = 0
    acc: int = -1
    tmp: tuple[int, ...] = ()

    @property
    def parts(self) -> int:
        """In how many parts the op runs within a tile."""
        return max((len(cuts.ranges) for cuts in self.axes if cuts.driver == OWN), default=1)

    def box(self, tile: Mapping[str, int]) -> Box:
        """The part of the result's frame handled in a tile: four ranges."""
        return tuple(cuts.at(tile) for cuts in self.axes)

    def work(self, tile: Mapping[str, int]) -> Box:
        """`box` and the reduction's range: five ranges."""
        return (*self.box(tile), self.steps.at(tile))


@irdl_attr_definition
class LgAttr(Data[Slices]):
    """
    `Slices` as text.

    ```mlir
    #tpu.lg<n = [0:1], c = c[0:64, 64:128], h = h[0:30, 26:56], w = [0:56], k = [0:64],
            addr = [0, 8192], size = 8192, acc = -1, tmp = []>
    ```
    """

    name = "tpu.lg"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Slices:
        with parser.in_angle_brackets():
            cuts = [_parse_cuts(parser, key, first=i == 0) for i, key in enumerate(DRIVERS)]
            addr = _parse_integers(parser, "addr")
            size = _parse_integer(parser, "size")
            acc = _parse_integer(parser, "acc")
            tmp = _parse_integers(parser, "tmp")
        n, c, h, w, k = cuts
        return Slices((n, c, h, w), k, addr, size, acc, tmp)

    def print_parameter(self, printer: Printer) -> None:
        s = self.data
        cuts = [f"{key} = {value}" for key, value in zip(DRIVERS, (*s.axes, s.steps), strict=True)]
        rest = [f"addr = {list(s.addr)}", f"size = {s.size}", f"acc = {s.acc}", f"tmp = {list(s.tmp)}"]
        with printer.in_angle_brackets():
            printer.print_string(", ".join((*cuts, *rest)))


def _parse_key(parser: AttrParser, key: str, first: bool = False) -> None:
    if not first:
        parser.parse_punctuation(",")
    parser.parse_characters(key)
    parser.parse_punctuation("=")


def _parse_cuts(parser: AttrParser, key: str, first: bool) -> Cuts:
    _parse_key(parser, key, first)
    driver = parser.parse_optional_identifier() or ""

    def one() -> range:
        start = parser.parse_integer()
        parser.parse_punctuation(":")
        return range(start, parser.parse_integer())

    return Cuts(tuple(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, one)), driver)


def _parse_integers(parser: AttrParser, key: str) -> tuple[int, ...]:
    _parse_key(parser, key)
    return tuple(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer))


def _parse_integer(parser: AttrParser, key: str) -> int:
    _parse_key(parser, key)
    return parser.parse_integer()
