"""What the UI says of an asset, and what it shows and checks there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from assets.checks import Check
from assets.figures import Figure

HEAVY = "heavy"
"""The pool of steps that keep a core busy for long; `dagster.yaml` limits how many run at once."""


@dataclass(frozen=True)
class About:
    """
    One asset for people: its group, kinds, description, pictures and checks.

    `pool` names what a step of it waits for where many run at once; limits are set in `dagster.yaml`. `document` is a
    Markdown file of the artifact that is shown up to its first long table, `page` an HTML file that is linked.
    """

    group: str
    kinds: Collection[str]
    description: str
    figures: Sequence[Figure] = ()
    checks: Sequence[Check] = ()
    pool: str | None = None
    document: str | None = None
    page: str | None = None
