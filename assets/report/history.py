"""
The figures of each night, for the sparklines of the next.

    <root>/.store/nights/<time>-<id>.json  {id, created, tone, verdict, figures: {partition: {metric: value}}}
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from assets.report import documents
from assets.report.built import Figures
from assets.report.night import Night
from assets.report.verdict import verdict
from compiler.build.store import Store

FOLDER = "nights"
NIGHTS = 20
"""How many a sparkline goes back."""


@dataclass(frozen=True)
class Past:
    """What one night measured, by partition."""

    id: str
    created: str
    tone: str
    verdict: str
    figures: Mapping[str, Figures]


def keep(store: Store, night: Night) -> None:
    """Add a night, or put a later report of the same night in its place."""
    said = verdict(night)
    past = Past(
        night.id, night.created, said.tone, said.text, {line.partition: dict(line.figures) for line in night.lines}
    )
    documents.write(store, f"{FOLDER}/{_name(night)}.json", asdict(past))


def latest(store: Store, nights: int = NIGHTS) -> Sequence[Past]:
    """The last nights, the oldest first. Raises DamagedDocument."""
    found: list[Past] = []
    for name in documents.listed(store, FOLDER)[-nights:]:
        path = f"{FOLDER}/{name}.json"
        held = documents.read(store, path)
        if held is not None:
            found.append(documents.checked(store, path, Past, held))
    return found


def _name(night: Night) -> str:
    return f"{re.sub('[^0-9T]', '', night.created)[:15]}-{night.id}"
