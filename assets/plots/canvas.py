"""
The look that all plots share: small, plain, legible at the size the UI shows.

Drawn straight into pixels, in flat colours on whole coordinates: a picture takes a few milliseconds, and as lossless
WebP a few hundred bytes to a few thousand. (matplotlib takes forty milliseconds, and its smoothed edges ten thousand
bytes; each event of each run carries its pictures.)
"""

import functools
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

COLOURS = ("#4080c0", "#ff4040", "#008040", "#c0c040")
"""Blue, red, green and yellow, told apart by their lightness too; all of whole STEPs, as every colour has to be."""

INK, FAINT = "#404040", "#c0c0c0"
SHADES = ("#ffffff", "#c0ffff", "#80c0ff", "#4080c0", "#404080")
"""From nothing to most."""

MAX_BYTES = 8192
"""Of one picture: each event of each run carries it."""

QUALITIES = (25, 10, 0)
"""Of photographs, of 100: the first shows some artefacts, yet tells each digit; the last is for noise."""

STEP = 64
"""Between the levels of red, green and blue that a drawing uses: the softened edges of letters cost most otherwise."""
WIDTH, HEIGHT = 640, 230
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 24, 42
"""Pixels around the axes."""


@functools.cache
def face(size: int = 11) -> ImageFont.FreeTypeFont:
    """The DejaVu font that ships in matplotlib, that many pixels high."""
    found = find_spec("matplotlib")
    assert found is not None
    assert found.origin is not None
    return ImageFont.truetype(str(Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"), size)


@dataclass(frozen=True)
class Axis:
    """A range of numbers along one side, linear or by powers; of whole numbers, or of any."""

    low: float
    high: float
    label: str = ""
    log: bool = False
    whole: bool = False

    def share(self, values: ArrayLike) -> NDArray[np.float64]:
        """Where values are between `low` (0) and `high` (1)."""
        given = np.asarray(values, np.float64)
        if self.log:
            return (np.log(given) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (given - self.low) / ((self.high - self.low) or 1.0)

    def ticks(self, most: int) -> list[float]:
        """Round numbers within the range, about `most` at most."""
        if self.log:
            base = 10.0 if self.high / self.low > 100 else 2.0
            first, last = math.ceil(math.log(self.low, base)), math.floor(math.log(self.high, base))
            return [base**power for power in range(first, last + 1, max(1, -(-(last - first) // most)))]
        rough = ((self.high - self.low) or 1.0) / most
        scale = 10.0 ** math.floor(math.log10(rough))
        step = max(next(scale * n for n in (1, 2, 5, 10) if scale * n >= rough), 1.0 if self.whole else 0.0)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [n * step for n in range(first, last + 1)]


class Canvas:
    """A picture with one pair of axes; what is drawn outside of them is cut off."""

    def __init__(self, title: str, x: Axis, y: Axis, height: int = HEIGHT, rows: Sequence[str] = ()) -> None:
        """`rows` name whole numbers of the y axis in place of its ticks."""
        self.image = Image.new("RGB", (WIDTH, height), "white")
        self.x, self.y = x, y
        self.box = (LEFT, TOP, WIDTH - RIGHT, height - BOTTOM)
        self._ink = ImageDraw.Draw(self.image)
        self._frame(title, rows)

    def boxes(
        self, left: ArrayLike, right: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str, *, parted: bool = True
    ) -> None:
        """Filled rectangles, `parted` by a white line at the right and the top of those that have room for it."""
        across, upward = self._across(left, right), self._upward(low, high)
        for x0, x1, y0, y1 in np.stack([*across, *upward], 1).tolist():
            self._ink.rectangle((x0, y0, x1, y1), colour)
            if parted and x1 - x0 > 2 and y1 - y0 > 2:
                self._ink.line(((x1, y1), (x1, y0), (x0, y0)), "white")

    def bars(self, x: ArrayLike, values: ArrayLike, colour: str) -> None:
        """A bar from zero, or the axis' lower end, to each value, one unit of x wide."""
        centre, value = np.asarray(x, np.float64), np.asarray(values, np.float64)
        zero = np.full_like(value, min(max(0.0, self.y.low), self.y.high))
        across, upward = self._across(centre - 0.5, centre + 0.5), self._upward(np.minimum(zero, value), value)
        for x0, x1, y0, y1 in np.stack([*across, *upward], 1).tolist():
            self._ink.rectangle((x0, y0, max(x0, x1 - (x1 - x0 > 2)), y1), colour)

    def line(self, x: Sequence[float], y: Sequence[float], colour: str = INK, width: int = 1) -> None:
        """Straight lines from point to point."""
        self._ink.line(list(zip(self._column(x), self._row(y), strict=True)), colour, width)

    def points(self, x: ArrayLike, y: ArrayLike, radii: ArrayLike, colour: str) -> None:
        """Discs of those radii in pixels, large ones first."""
        columns, rows = self._column(x), self._row(y)
        sizes = np.broadcast_to(np.asarray(radii), len(columns)).tolist()
        for at in sorted(range(len(columns)), key=lambda i: -sizes[i]):
            self._ink.circle((columns[at], rows[at]), sizes[at], colour, "white")

    def heat(self, cells: NDArray[np.float64]) -> None:
        """Cells (rows from below, columns) of 0 to 1 over the whole of the axes, in SHADES."""
        left, top, right, bottom = self.box
        shades = np.array([ImageColor.getrgb(shade) for shade in SHADES], np.uint8)
        pixels = shades[np.rint(np.clip(cells[::-1], 0, 1) * (len(SHADES) - 1)).astype(int)]
        grid = Image.fromarray(pixels).resize((right - left, bottom - top), Image.Resampling.NEAREST)
        self.image.paste(grid, (left + 1, top))

    def text(self, x: float, y: float, words: str, colour: str = INK, anchor: str = "ls") -> None:
        """Words at a point of the axes; `anchor` as Pillow's."""
        self._ink.text((self._column([x])[0], self._row([y])[0]), words, colour, face(), anchor)

    def legend(self, entries: Mapping[str, str]) -> None:
        """Names and their colours, at the right below the axes."""
        widths = [int(face().getlength(name)) + 24 for name in entries]
        at, base = self.box[2] - sum(widths) + 10, self.image.height - 7
        for (name, colour), width in zip(entries.items(), widths, strict=True):
            self._ink.rectangle((at, base - 9, at + 9, base), colour)
            self._ink.text((at + 13, base), name, INK, face(), "ls")
            at += width

    def _frame(self, title: str, rows: Sequence[str]) -> None:
        left, top, right, bottom = self.box
        self._ink.text((6, 15), fitted(title, WIDTH - 12, 12), INK, face(12), "ls")
        named = dict(enumerate(rows)) or {tick: spelt(tick) for tick in self.y.ticks(5)}
        for value, name in named.items():
            row = self._row([value])[0]
            if not rows:
                self._ink.line(((left, row), (right, row)), FAINT)
            self._ink.text((left - 5, row), name, INK, face(), "rm")
        for value in self.x.ticks(8):
            column = self._column([value])[0]
            self._ink.line(((column, bottom), (column, bottom + 3)), INK)
            self._ink.text((column, bottom + 5), spelt(value), INK, face(), "mt")
        self._ink.line(((left, top), (left, bottom), (right, bottom)), INK)
        self._ink.text((left, self.image.height - 7), self.x.label, INK, face(), "ls")
        self._upright(self.y.label)

    def _upright(self, words: str) -> None:
        """The y axis' name along it."""
        room = self.box[3] - self.box[1] + BOTTOM
        words = fitted(words, room, 11)
        strip = Image.new("RGB", (max(1, int(face().getlength(words))), 14), "white")
        ImageDraw.Draw(strip).text((0, 11), words, INK, face(), "ls")
        turned = strip.transpose(Image.Transpose.ROTATE_90)
        self.image.paste(turned, (2, max(0, (self.box[1] + self.box[3] - turned.height) // 2)))

    def _column(self, values: ArrayLike) -> list[int]:
        left, _, right, _ = self.box
        return np.rint(left + np.clip(self.x.share(values), 0, 1) * (right - left)).astype(int).tolist()

    def _row(self, values: ArrayLike) -> list[int]:
        _, top, _, bottom = self.box
        return np.rint(bottom - np.clip(self.y.share(values), 0, 1) * (bottom - top)).astype(int).tolist()

    def _across(self, left: ArrayLike, right: ArrayLike) -> tuple[list[int], list[int]]:
        """Columns of both edges, the right one's own apart, at least one wide."""
        first, last = self._column(left), self._column(right)
        return first, [max(a, b - 1) for a, b in zip(first, last, strict=True)]

    def _upward(self, low: ArrayLike, high: ArrayLike) -> tuple[list[int], list[int]]:
        """Rows of both edges, the upper first, at least one high."""
        lowest, highest = self._row(low), self._row(high)
        return [min(a, b) for a, b in zip(highest, lowest, strict=True)], lowest


def spelt(value: float) -> str:
    """A tick's number: `0.25`, `40`, `1.2M`."""
    for size, unit, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= size:
            return f"{value / unit:.4g}{letter}"
    return f"{value:.4g}"


def fitted(words: str, room: int, size: int) -> str:
    """As much of the words as the room has pixels for; the end of what is cut shows that it is."""
    if face(size).getlength(words) <= room:
        return words
    while words and face(size).getlength(f"{words}…") > room:
        words = words[:-1]
    return f"{words}…"


def tail(name: str, most: int = 40) -> str:
    """A tensor's name, the end of it where it is long: that tells most."""
    return name if len(name) <= most else f"…{name[1 - most :]}"


def plain(image: Image.Image) -> bytes:
    """A drawing as WebP, lossless."""
    levels = [min(255, (value + STEP // 2) // STEP * STEP) for value in range(256)]
    return _encoded(image.point(levels * 3), lossless=True, quality=40, method=3)


def photograph(image: Image.Image) -> bytes:
    """A picture of pictures as WebP; coarser where it is so busy that it would take over MAX_BYTES."""
    data = b""
    for quality in QUALITIES:
        data = _encoded(image, quality=quality, method=3)
        if len(data) <= MAX_BYTES:
            break
    return data


def _encoded(image: Image.Image, **options: object) -> bytes:
    held = io.BytesIO()
    image.save(held, "WEBP", **options)
    return held.getvalue()


def extent(values: Iterable[float], otherwise: float = 1.0) -> float:
    """The greatest of the values, or `otherwise` where there are none or it is zero."""
    return max(values, default=0.0) or otherwise
