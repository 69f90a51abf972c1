"""The report as people read it: one HTML page that stands alone, and Markdown for terminals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from compiler.quant_report import drawing
from compiler.quant_report.blame import AMPLIFIES, BOUND_DB, OWN, Origin
from compiler.quant_report.drawing import HALF, lines
from compiler.quant_report.layers import Layer, Stored
from compiler.quant_report.notes import NOISY_DB, UNUSED
from compiler.quant_report.report import Report
from compiler.quantization.thresholds import METHODS
from compiler.templates import templates

TEMPLATES = templates(Path(__file__).parent)

SHARES, LEAST = 8, 0.005
"""Tensors among which the noise of the first bad one is shared out, and the least share that is told."""

SHOWN_DB = 80.0
"""Signal to noise above which a drawing makes no difference: no 8-bit tensor gets there."""


def html(report: Report, name: str) -> str:
    """The page; `name` says what was quantised."""
    return TEMPLATES.get_template("page.html.j2").render(_facts(report, name), charts=_charts(report))


def markdown(report: Report, name: str) -> str:
    """The same without drawings."""
    return TEMPLATES.get_template("page.md.j2").render(_facts(report, name))


def _facts(report: Report, name: str) -> dict[str, Any]:
    def histogram(row: Layer) -> Markup:
        held = (row.stored.low, row.stored.high) if row.stored else None
        return drawing.histogram(row.tensor, report.spreads[row.tensor], report.cuts.get(row.tensor, {}), held)

    return {
        "name": name,
        "report": report,
        "bound": int(BOUND_DB),
        "noisy": int(NOISY_DB),
        "idle": UNUSED,
        "least": min(report.layers, key=lambda row: row.total_db),
        "reason": _reason(report),
        "shares": [part for part in (report.blame.shares if report.blame else []) if part[1] >= LEAST][:SHARES],
        "does": does,
        "turning": turning(report),
        "few": f" ({_counted(report.few, 'sample')})",
        "worst": report.noisiest,
        "methods": list(METHODS),
        "outliers": _outliers(report),
        "unseen": _unseen(report),
        "histogram": histogram,
        "bar": drawing.bar,
        "db": _db,
        "percent": _percent,
        "share": _share,
        "scale": _scale,
        "counted": _counted,
        "cell": _cell,
    }


def _charts(report: Report) -> dict[str, Markup]:
    rows = report.layers
    series = {
        "total": [(float(i), _cut(row.total_db)) for i, row in enumerate(rows)],
        "local": [(float(i), _cut(row.local_db)) for i, row in enumerate(rows)],
    }
    first = report.blame.first if report.blame else None
    marks = {f"first bad: {row.tensor[-40:]}": float(i) for i, row in enumerate(rows) if row.tensor == first}
    titles = [f"{row.tensor}: local {row.local_db:.1f} dB, accumulated {row.total_db:.1f} dB" for row in rows]
    trials = [(float(trial.exact), _cut(trial.output_db)) for trial in report.trials]
    told = [f"{trial.tensor or 'nothing'} exact: {trial.output_db:.1f} dB" for trial in report.trials]
    charts = {
        "layers": lines(series, "tensor, in execution order", "dB", marks, titles),
        "trials": lines({"total": trials}, "tensors exact", "dB", titles=told, dots=True, wide=HALF),
    }
    if (held := report.calibration) is not None:
        growth = [(i + 1.0, 100 * share) for i, share in enumerate(held.growth)]
        loud = [(float(sample.number), 2**sample.loudness) for sample in held.samples]
        names = [f"sample {s.number}: sets {s.records:.0%} of the ranges" for s in held.samples]
        charts["growth"] = lines({"local": growth}, "samples", "% of the final range", wide=HALF)
        charts["loudness"] = lines(
            {"total": loud}, "sample", "magnitude ÷ the median sample's", titles=names, dots=True, wide=HALF
        )
    points = [(float(point.cycles), point.sqnr_db) for point in report.pareto]
    chosen = [point for point in report.pareto if point.chosen]
    marked = {"chosen": float(chosen[0].cycles)} if chosen else {}
    spelt = [f"{p.float_ops} float ops: {p.cycles:,} cycles, {p.sqnr_db:.1f} dB" for p in report.pareto]
    charts["pareto"] = lines({"total": points}, "cycles", "dB", marked, spelt, dots=True)
    return charts


def does(origin: Origin) -> str:
    """What an op does to the noise, in words."""
    made = f"noise {_ratio(origin.own)} of its signal by itself, {_ratio(origin.carried)} brought along"
    if origin.kind == AMPLIFIES:
        return f"amplifies: {made}, {_ratio(origin.rest)} beyond both"
    return f"rounds: {made}" if origin.kind == OWN else made


def turning(report: Report) -> str:
    """Between which tensors half of the noise of the results arises."""
    if len(report.trials) < 2:
        return ""
    half = report.trials[0].output_db + 3.0103
    after = next((i for i, trial in enumerate(report.trials) if trial.output_db >= half), 0)
    if not after:
        return "No single place halves the noise of the results."
    return f"Half of the noise of the results has arisen by {report.trials[after].tensor}."


def _reason(report: Report) -> str:
    if report.blame is None:
        return ""
    row = next(row for row in report.layers if row.tensor == report.blame.first)
    if row.total_db < BOUND_DB:
        return f"below {BOUND_DB:g} dB, at {row.total_db:.1f}"
    return f"to make far more noise of what it reads than local errors explain, {row.total_db:.1f} dB"


def _outliers(report: Report) -> str:
    found = report.calibration.outliers if report.calibration else ()
    if not found:
        return "No sample is an outlier."
    told = ", ".join(f"{sample.number} ({2**sample.loudness:.2f} times the median)" for sample in found[:5])
    return f"{_counted(len(found), 'outlier')}: {told}."


def _unseen(report: Report) -> str:
    if not report.unseen:
        return "No tensor of this run leaves the range that calibration saw."
    worst = max(report.unseen, key=report.unseen.__getitem__)
    return (
        f"{len(report.unseen)} of {len(report.layers)} tensors of this run leave the range that calibration saw, "
        f"{worst} by {100 * report.unseen[worst]:.3g} %."
    )


def _cut(decibels: float) -> float:
    return min(max(decibels, -20.0), SHOWN_DB)


def _share(share: float | None) -> str:
    """A percentage without its sign, nothing for nothing."""
    return f"{100 * share:.2g}" if share else ""


def _scale(held: Stored) -> str:
    low, high = held.step
    return f"{high:.4g}" if held.count == 1 else f"{low:.3g} … {high:.3g}"


def _ratio(power: float) -> str:
    """Noise to signal as a share of the magnitude."""
    return f"{100 * power**0.5:.2g} %"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _db(value: float) -> str:
    return f"{value:.1f} dB"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _cell(text: str) -> str:
    """A name for a cell of a Markdown table."""
    return "`" + " ".join(text.replace("|", "\\|").replace("`", "'").split()) + "`"
