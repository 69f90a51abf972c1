"""
The look that all plots share: small, plain, legible at the size the UI shows.

Drawn by matplotlib in flat colours, nothing smoothed and no layout computed: that takes a quarter of the bytes.
"""

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, MaxNLocator
from matplotlib.typing import RcKeyType
from numpy.typing import ArrayLike, NDArray

COLOURS = ("#4080c0", "#ff4040", "#008040", "#c0c040")
"""Blue, red, green and yellow, told apart by their lightness too."""

INK, FAINT = "#404040", "#c0c0c0"
SHADES = ("#ffffff", "#c0ffff", "#80c0ff", "#4080c0", "#404080")
"""From nothing to most."""

DPI, WIDTH, HEIGHT = 100, 640, 230
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 24, 42
"""Pixels around the axes."""

PIXEL = 72 / DPI
"""Width of the finest line, in points."""

STYLE: dict[RcKeyType, Any] = {
    "text.antialiased": False, "lines.antialiased": False, "patch.antialiased": False, "text.hinting": "force_autohint",
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK,
    "font.size": 8, "figure.titlesize": 9, "xaxis.labellocation": "left", "axes.linewidth": PIXEL,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "axes.titley": 1.0,
    "axes.grid": True, "axes.grid.axis": "y", "grid.color": FAINT, "grid.linewidth": PIXEL, "ytick.major.size": 0,
    "legend.frameon": False, "legend.handlelength": 1.2, "legend.columnspacing": 1.2, "legend.borderaxespad": 0.3,
    "legend.handletextpad": 0.5, "text.parse_math": False,
}  # fmt: skip

_DRAWING = threading.Lock()


class _Snapping(RendererAgg):
    """Words begin at whole pixels, as their letters are hinted for: between two a full stop would be lost."""

    def draw_text(self, gc: GraphicsContextBase, x: float, y: float, *rest: Any, **named: Any) -> None:
        super().draw_text(gc, round(x), round(y), *rest, **named)


@contextmanager
def styled() -> Generator[None]:
    """In this look, one thread at a time: matplotlib keeps its style, as its fonts, for the whole process."""
    with _DRAWING, matplotlib.rc_context(STYLE):
        yield


def axes(title: str, width: int = WIDTH, height: int = HEIGHT) -> Axes:
    """The axes of a new figure of that many pixels; few ticks, at whole numbers along x."""
    figure = Figure((width / DPI, height / DPI), dpi=DPI)
    figure.suptitle(title, x=6 / width, y=1 - 4 / height, ha="left")
    across, up = width - LEFT - RIGHT, max(1, height - TOP - BOTTOM)
    made = figure.add_axes((LEFT / width, BOTTOM / height, across / width, up / height))
    made.xaxis.set_label_coords(0, -(BOTTOM - 15) / up)
    made.yaxis.set_label_coords(-(LEFT - 14) / across, 0.5)
    for axis, most in ((made.xaxis, 6), (made.yaxis, 5)):
        whole = axis is made.xaxis
        axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10], integer=whole, min_n_ticks=1))
        axis.set_major_formatter(EngFormatter(sep=""))
    return made


def boxes(on: Axes, left: ArrayLike, right: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str) -> None:
    """Filled rectangles in data coordinates, parted by white lines where they have room for that."""
    x0, x1, y0, y1 = np.broadcast_arrays(left, right, low, high)
    corners = np.stack([x0, y0, x0, y1, x1, y1, x1, y0], -1).reshape(-1, 4, 2)
    sizes = np.abs(np.diff(on.transData.transform(corners[:, ::2].reshape(-1, 2)).reshape(-1, 2, 2), axis=1))
    edges = np.where((sizes > 3).all((1, 2)), "white", colour).tolist()
    on.add_collection(PolyCollection(list(corners), facecolor=colour, edgecolor=edges, linewidth=PIXEL), autolim=False)


def legend(on: Axes, entries: Mapping[str, str], columns: int = 4) -> None:
    """Names and their colours, at the right below the axes."""
    patches = [Patch(color=colour, linewidth=0) for colour in entries.values()]
    on.figure.legend(patches, entries, loc="lower right", ncols=columns)


def pixels(on: Axes) -> NDArray[np.uint8]:
    """The figure of these axes as (rows, columns, RGB)."""
    figure = on.get_figure(root=True)
    assert figure is not None
    renderer = _Snapping(*figure.bbox.size, DPI)
    figure.draw(renderer)
    return np.asarray(renderer.buffer_rgba())[..., :3]
