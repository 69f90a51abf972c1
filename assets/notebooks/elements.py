"""What a report is made of: tiles, tables, the flow as boxes. Plain HTML, legible wherever a notebook is shown."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import IPython.display
from IPython.display import HTML

from assets.spelling import spelt

STYLE = """<style>
.tf { font: 13px/1.45 system-ui, "DejaVu Sans", sans-serif; color: #1d2433 }
.tf-row { display: flex; flex-wrap: wrap; gap: 8px; align-items: stretch; margin: 8px 0 }
.tf-pair { display: flex; flex-wrap: wrap; gap: 8px 56px; align-items: flex-start }
.tf-tile { border: 1px solid #dde1e8; border-radius: 6px; padding: 7px 12px; min-width: 84px; background: #fafbfc }
.tf-tile b { display: block; font-size: 19px; font-weight: 600 }
.tf-tile span { color: #667085; font-size: 12px }
.tf-good { border-left: 4px solid #228833 } .tf-bad { border-left: 4px solid #cc3344; background: #fdf3f4 }
.tf-box { border: 1px solid #c9d3e4; border-radius: 6px; padding: 5px 10px; background: #f2f6fc }
.tf-box b { font-weight: 600 } .tf-box span { color: #667085; font-size: 12px; display: block }
.tf-arrow { align-self: center; color: #98a2b3 } .tf-group { align-self: center; width: 84px; color: #667085 }
.tf-scroll { overflow-x: auto; margin: 8px 0 }
.tf table { border-collapse: collapse; border: 0; margin: 0 }
.tf th { text-align: left; font-weight: 600; color: #667085; border-bottom: 1px solid #c9d0db; padding: 3px 12px 3px 0 }
.tf td { text-align: left; border-bottom: 1px solid #eef0f4; padding: 3px 12px 3px 0; white-space: nowrap }
.tf .tf-number { text-align: right; font-variant-numeric: tabular-nums }
.tf tr { background: none }
</style>"""
"""To be shown once, by the first element of a page."""

NAME_LENGTH = 72
"""Characters of a name that a cell shows; the end of a tensor's name tells most."""

UNITS = ("B", "kB", "MB", "GB")


def show(*parts: object) -> None:
    """Put parts into the page, one below another."""
    for part in parts:
        IPython.display.display(part)


def element(body: str) -> HTML:
    """A part of the page."""
    return HTML(f'<div class="tf">{body}</div>')


def header(title: str, subtitle: str) -> HTML:
    """The page's name, and the look of all that follows."""
    return HTML(f'{STYLE}<div class="tf"><h1>{escape(title)}</h1><p>{escape(subtitle)}</p></div>')


def tiles(figures: Mapping[str, str], good: Mapping[str, bool] | None = None) -> HTML:
    """Figures side by side, each over its name; those in `good` say at their edge whether they hold."""
    verdicts = {True: " tf-good", False: " tf-bad", None: ""}
    boxes = (
        f'<div class="tf-tile{verdicts[(good or {}).get(name)]}"><b>{escape(text)}</b><span>{escape(name)}</span></div>'
        for name, text in figures.items()
    )
    return element(f'<div class="tf-row">{"".join(boxes)}</div>')


def side_by_side(*parts: HTML) -> HTML:
    """Parts next to each other, where the page is wide enough."""
    return element(f'<div class="tf-pair">{"".join(f"{part.data}" for part in parts)}</div>')


def flow(groups: Mapping[str, Mapping[str, str]]) -> HTML:
    """For each group its artifacts in order, with what is said of them."""
    rows: list[str] = []
    for group, artifacts in groups.items():
        boxes = (
            f'<div class="tf-box"><b>{escape(name)}</b><span>{escape(text)}</span></div>'
            for name, text in artifacts.items()
        )
        arrows = '<div class="tf-arrow">→</div>'.join(boxes)
        rows.append(f'<div class="tf-row"><div class="tf-group">{escape(group)}</div>{arrows}</div>')
    return element("".join(rows))


def table(rows: Sequence[Mapping[str, Any]], nothing: str = "none") -> HTML:
    """Rows with the columns of the first, numbers to the right; `nothing` is said where there is no row."""
    if not rows:
        return element(f"<p>{escape(nothing)}</p>")
    numeric = {name: isinstance(value, int | float) for name, value in rows[0].items()}
    head = "".join(f"<th{_aligned(numeric[name])}>{escape(name.replace('_', ' '))}</th>" for name in numeric)
    lines = (
        "".join(
            f"<td{_aligned(n)}{_full(row.get(k))}>{escape(short(spelt(row.get(k))))}</td>" for k, n in numeric.items()
        )
        for row in rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return element(f'<div class="tf-scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>')


def short(text: str) -> str:
    """The end of a long name: that tells most."""
    return text if len(text) <= NAME_LENGTH else f"…{text[-NAME_LENGTH:]}"


def sized(count: int) -> str:
    """Bytes in the unit that leaves three digits."""
    step = min(len(UNITS) - 1, int(math.log10(count) // 3)) if count else 0
    return f"{count / 1000**step:.3g} {UNITS[step]}" if step else f"{count} B"


def timed(seconds: float) -> str:
    """A time in the unit that leaves digits before the point."""
    return f"{1e3 * seconds:.3g} ms" if seconds >= 1e-3 else f"{1e6 * seconds:.3g} µs"


def percent(share: float) -> str:
    """A share as a percentage with one digit behind the point."""
    return f"{100 * share:.1f} %"


def _aligned(number: bool) -> str:
    return ' class="tf-number"' if number else ""


def _full(value: Any) -> str:
    """The whole of a name that was cut, when the pointer rests on it."""
    return f' title="{escape(value)}"' if isinstance(value, str) and len(value) > NAME_LENGTH else ""
