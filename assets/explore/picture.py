"""A plot in a notebook."""

import base64
from html import escape

from IPython.display import HTML


def picture(plot: bytes, title: str = "plot") -> HTML:
    """A WebP file's bytes, as `draw` of a plot returns them, inside the page."""
    data = base64.b64encode(plot).decode()
    return HTML(f'<img alt="{escape(title)}" src="data:image/webp;base64,{data}">')
