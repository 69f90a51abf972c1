"""The report of an order, and the baseline it is held against, as assets of the whole zoo."""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg
from pydantic import Field

from assets.metadata import table
from assets.report import baseline, history, order
from assets.report.documents import DamagedDocument
from assets.report.metrics import METRICS
from assets.report.night import Night, gather
from assets.report.notifier import Notifier
from assets.report.render import html, markdown, summary
from assets.report.verdict import verdict
from assets.workshop import Workshop
from compiler.build.store import Store

GROUP = "nightly"
UI_URL = "TPUFLOW_UI_URL"
NAMED = 200
"""Offenders that a check's description lists; the report has them all."""


class UnknownOrder(Exception):
    """There is no order of that id; the message lists the open ones."""


class ReportConfig(dg.Config):
    """Which order to report, and what to say of one that was never written."""

    order: str = Field(description="Id of a work order, as the asset `work_order` shows it.")
    trouble: str = Field(default="", description="Why there is no such order, where its planning run failed.")


BASELINE = dg.AssetSpec(
    "baseline",
    group_name=GROUP,
    kinds={"json"},
    description="The records that the zoo is held against. Only `tpuflow baseline accept` moves it.",
)


def _spec(name: str, description: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset="report", description=description)


CHECK_SPECS: Sequence[dg.AssetCheckSpec] = (
    _spec("every_partition_built", "Every partition of the order is as the sources say."),
    _spec("checks_hold", "No check is missed that held of the baseline."),
    *(
        _spec(f"no_regression_in_{metric.name}", f"No partition lost more than the tolerance: {metric.tolerance}.")
        for metric in METRICS
    ),
)


@dg.asset(
    group_name=GROUP,
    kinds={"html", "markdown"},
    deps=[BASELINE, "work_order"],
    check_specs=list(CHECK_SPECS),
    required_resource_keys={"workshop", "notifier"},
    description="What a night came to: failures, regressions against the baseline, improvements, and every figure.",
)
def report(context: dg.AssetExecutionContext, config: ReportConfig):
    """Look at an order's runs and at the records in the store, write the report, tell people. Raises UnknownOrder."""
    workshop: Workshop = context.resources.workshop
    notifier: Notifier = context.resources.notifier
    store = workshop.builder.store
    found = order.load(store, config.order)
    if found is not None:
        night = gather(context.instance, workshop.builder, found, baseline.load(store))
        history.keep(store, night)
    elif config.trouble:
        night = Night(config.order, "nightly", datetime.now(UTC).isoformat(timespec="seconds"), trouble=config.trouble)
    else:
        raise UnknownOrder(f"no order {config.order!r}; open ones: {', '.join(order.unfinished(store)) or 'none'}")
    base = os.environ.get(UI_URL, "http://127.0.0.1:3000")
    text, page = _written(store, night, _past(store, context.log), base)
    told = notifier.tell(_message(night, base), _fields(night, page))
    if told.startswith("not sent"):
        context.log.warning(f"the notification was {told}")
    return dg.MaterializeResult(
        metadata={
            "verdict": verdict(night).text,
            "summary": dg.MetadataValue.md(summary(text)),
            "page": dg.MetadataValue.path(page),
            "notification": told,
            **_counts(night),
        },
        check_results=list(_judged(night)),
        tags={order.ORDER_TAG: night.id},
    )


def _past(store: Store, log: dg.DagsterLogManager) -> Sequence[history.Past]:
    """The nights for the sparklines; a damaged one costs the drawings, not the report."""
    try:
        return history.latest(store)
    except DamagedDocument as error:
        log.warning(f"no sparklines: {error}")
        return []


def _written(store: Store, night: Night, past: Sequence[history.Past], base: str) -> tuple[str, str]:
    """Write both forms into the store, and where people look; the Markdown, and where the page is."""
    forms = {"report.md": markdown(night, past, base), "report.html": html(night, past, base)}
    folder = store.root / "reports" / night.id
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in forms.items():
        inside = f"reports/{night.id}/{name}"
        store.save(inside, text.encode())
        (folder / name).write_text(text, encoding="utf-8")
    return forms["report.md"], str(folder / "report.html")


def _counts(night: Night) -> dict[str, int]:
    return {
        "partitions": len(night.lines),
        "built": night.counted("built"),
        "unchanged": night.counted("unchanged"),
        "failures": len(night.failures),
        "missed_checks": len(night.missed),
        "regressions": len(night.regressions),
        "improvements": len(night.improvements),
    }


def _message(night: Night, base: str) -> str:
    """The verdict, what is wrong one a line, and where to read on."""
    wrong = [*(line.failure for line in night.failures), *(it.text for it in (*night.missed, *night.regressions))]
    more = [f"and {len(wrong) - 10} more"] if len(wrong) > 10 else []
    return "\n".join([f"{night.id}: {verdict(night).text}", *wrong[:10], *more, f"{base.rstrip('/')}/assets/report"])


def _fields(night: Night, page: str) -> dict[str, object]:
    return {
        "order": night.id,
        "verdict": verdict(night).tone,
        "counts": _counts(night),
        "failures": [line.partition for line in night.failures],
        "regressions": [
            {
                "partition": change.partition,
                "metric": change.metric.name,
                "before": change.before,
                "after": change.after,
                "stage": change.stage,
            }
            for change in night.regressions
        ],
        "report": page,
    }


def _judged(night: Night) -> Iterator[dg.AssetCheckResult]:
    """A verdict a check. What was compared with nothing is a warning, never a pass."""
    failed = [night.trouble] if night.trouble else [line.failure for line in night.failures]
    yield _result("every_partition_built", failed, len(night.lines), "partitions")
    judged = sum(bool(line.figures) for line in night.lines)
    yield _result("checks_hold", [missed.text for missed in night.missed], judged, "partitions")
    for metric in METRICS:
        worse = [change for change in night.regressions if change.metric is metric]
        compared = sum(metric.name in line.comparison.compared for line in night.lines)
        rows = [
            {
                "partition": change.partition,
                "before": change.before,
                "after": change.after,
                "change": metric.change(change.before, change.after),
                "first_changed": change.stage,
                "because": change.because,
            }
            for change in worse
        ]
        yield _result(
            f"no_regression_in_{metric.name}",
            [change.text for change in worse],
            compared,
            "partitions compared with the baseline",
            {"offenders": table(rows)} if rows else {},
        )


def _result(
    name: str, offenders: Sequence[str], compared: int, what: str, more: dict[str, dg.TableMetadataValue] | None = None
) -> dg.AssetCheckResult:
    listed = [*offenders[:NAMED], *([f"and {len(offenders) - NAMED} more"] if len(offenders) > NAMED else [])]
    nothing = f"no {what}: nothing is known" if not compared else f"{compared} {what}, none at fault"
    return dg.AssetCheckResult(
        passed=not offenders and compared > 0,
        check_name=name,
        severity=dg.AssetCheckSeverity.ERROR if offenders else dg.AssetCheckSeverity.WARN,
        description="\n".join(listed) or nothing,
        metadata={"compared": compared, "offending": len(offenders), **(more or {})},
    )
