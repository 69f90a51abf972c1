"""A plot in a notebook."""

import io

from IPython.display import Image
from matplotlib.figure import Figure
from PIL import Image as Raster

COLOURS = 128
"""Of the palette: plain plots need no more, and the file is a third."""

PIXELS = 120
"""An inch on the page."""

SHARPNESS = 144
"""Dots an inch."""


def picture(figure: Figure) -> Image:
    """The figure as a PNG that a notebook shows; the same bytes for the same figure."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=SHARPNESS)
    with Raster.open(drawn) as full:
        full.convert("RGB").quantize(COLOURS, dither=Raster.Dither.NONE).save(small, format="png", optimize=True)
    width, _ = figure.get_size_inches()
    title = " ".join(axes.get_title(loc="left") for axes in figure.axes).strip() or "plot"
    return Image(small.getvalue(), format="png", width=round(float(width) * PIXELS), alt=title)
