"""The report as people read it: HTML for the browser, Markdown for the asset's page and for mail."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from assets.report.compare import Change
from assets.report.history import Past
from assets.report.metrics import METRICS, Metric
from assets.report.night import Line, Night
from assets.report.sparkline import sparkline
from assets.report.verdict import counted, verdict
from compiler.templates import templates

TEMPLATES = templates(Path(__file__).parent)
ROWS = 500
"""Partitions that the last table lists, those with something to say first; the store has the figures of all."""

SUMMARY_BYTES = 4000
"""Of the Markdown that goes into the event log."""

EXPLAINED: Mapping[str, str] = {
    "built": "built anew, wholly or in part",
    "unchanged": "nothing to do: no run was launched",
    "failed": "a stage failed",
    "lost": "the run ended without a word from a stage: killed, or its machine lost",
    "cancelled": "somebody cancelled the run",
    "unfinished": "the run was not finished when the report was due",
    "not run": "no run of it was started",
    "not planned": "its record or its files could not be read",
}
"""What an outcome's name means."""


def html(night: Night, past: Sequence[Past], base: str) -> str:
    """A page that stands alone; `base` is the address of the UI that it links to."""
    return TEMPLATES.get_template("report.html.j2").render(**_facts(night, past, base))


def markdown(night: Night, past: Sequence[Past], base: str) -> str:
    """The same without drawings."""
    return TEMPLATES.get_template("report.md.j2").render(**_facts(night, past, base))


def summary(text: str) -> str:
    """The first lines of the Markdown, as many as the event log is to have."""
    kept: list[str] = []
    size = 0
    for line in text.split("\n## All partitions")[0].splitlines():
        size += len(line.encode()) + 1
        if size > SUMMARY_BYTES - 40:
            kept.append("\n… more in the report itself")
            break
        kept.append(line)
    return "\n".join(kept)


def _facts(night: Night, past: Sequence[Past], base: str) -> dict[str, Any]:
    moved = {
        (change.partition, change.metric.name): change for line in night.lines for change in line.comparison.changes
    }

    def spark(line: Line, metric: Metric) -> Markup:
        values = [entry.figures.get(line.partition, {}).get(metric.name) for entry in past]
        told = " → ".join(metric.text(value) for value in values)
        return Markup(sparkline(values, f"{line.partition} {metric.name}, the last {len(values)} nights: {told}"))

    def asset(partition: str, stage: str) -> str:
        key = quote(partition.replace("/", "|"), safe="")
        return f"{base.rstrip('/')}/assets/{quote(stage)}?view=partitions&partition={key}"

    def run(run_id: str) -> str:
        return f"{base.rstrip('/')}/runs/{run_id}"

    return {
        "night": night,
        "verdict": verdict(night),
        "metrics": METRICS,
        "explained": EXPLAINED,
        "moved": moved,
        "rows": sorted(night.lines, key=lambda line: (_quiet(line), line.partition))[:ROWS],
        "counted": counted,
        "spark": spark,
        "asset": asset,
        "run": run,
        "cell": _cell,
        "nights": len(past),
        "stage_of": _stage_of,
    }


def _quiet(line: Line) -> bool:
    """Whether there is nothing to say of the partition."""
    return line.outcome.good and not line.missed and not line.comparison.changes


def _stage_of(change: Change) -> str:
    """The stage whose page a change links to: the one where it began, if there is one."""
    return change.stage if change.stage != "no stage" else change.metric.stage or "sample_model"


def _cell(text: str) -> str:
    """Text for a cell of a Markdown table."""
    return " ".join(text.replace("|", "\\|").split())
