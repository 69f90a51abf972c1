"""A night as a whole: each partition's outcome, figures and checks, held against the baseline."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dagster import DagsterInstance

from assets.checks import CHECKS
from assets.report.baseline import Accepted, Baseline
from assets.report.built import Built, Figures, figures_of
from assets.report.compare import Change, Comparison, compare
from assets.report.order import Order
from assets.report.outcome import Outcome, outcomes
from compiler.build.builder import Builder
from compiler.build.flow import Target


@dataclass(frozen=True)
class Missed:
    """A check that does not hold, with its figures; `known`: nor did it of the accepted records."""

    partition: str
    check: str
    figures: str
    known: bool

    @property
    def text(self) -> str:
        """One line with all of it."""
        return f"{self.partition} {self.check} ({self.figures})"


@dataclass(frozen=True)
class Line:
    """One partition's night. `accepted` says when its baseline was, empty if it has none."""

    partition: str
    outcome: Outcome
    figures: Figures = field(default_factory=dict[str, float])
    comparison: Comparison = field(default_factory=Comparison)
    missed: Sequence[Missed] = ()
    accepted: str = ""

    @property
    def failure(self) -> str:
        """One line that says what became of a partition that was not built."""
        told = f" at {self.outcome.stage}" if self.outcome.stage else ""
        return f"{self.partition} {self.outcome.status}{told}" + (
            f": {self.outcome.message}" if self.outcome.message else ""
        )


@dataclass(frozen=True)
class Night:
    """What the report says. `trouble`: why nothing was planned; empty if all went its way."""

    id: str
    reason: str
    created: str
    lines: Sequence[Line] = ()
    trouble: str = ""

    @property
    def when(self) -> str:
        """Its time as people write it."""
        return f"{datetime.fromisoformat(self.created):%-d %B %Y, %H:%M %Z}"

    @property
    def failures(self) -> list[Line]:
        """Partitions that are not built."""
        return [line for line in self.lines if not line.outcome.good]

    @property
    def regressions(self) -> list[Change]:
        """Figures that are worse than the baseline's."""
        return [change for line in self.lines for change in line.comparison.changes if change.verdict == "worse"]

    @property
    def improvements(self) -> list[Change]:
        """Figures that are better than the baseline's."""
        return [change for line in self.lines for change in line.comparison.changes if change.verdict == "better"]

    @property
    def missed(self) -> list[Missed]:
        """Checks that hold no more, or of which there is no baseline."""
        return [missed for line in self.lines for missed in line.missed if not missed.known]

    @property
    def known(self) -> list[Missed]:
        """Checks that did not hold of the baseline either."""
        return [missed for line in self.lines for missed in line.missed if missed.known]

    @property
    def without_baseline(self) -> list[str]:
        """Partitions of which nothing has been accepted."""
        return [line.partition for line in self.lines if not line.accepted]

    @property
    def lost(self) -> list[str]:
        """Records of the baseline that are no longer in the store, as `<partition> <stage>`."""
        return [f"{line.partition} {stage}" for line in self.lines for stage in line.comparison.lost]

    def counted(self, status: str) -> int:
        """How many partitions ended so."""
        return sum(line.outcome.status == status for line in self.lines)


def gather(instance: DagsterInstance, builder: Builder, order: Order, baseline: Baseline) -> Night:
    """Look at every partition of the order: the event log for what became of it, the store for its figures."""
    lines = [
        _guarded(builder, order, partition, outcome, baseline.get(partition))
        for partition, outcome in outcomes(instance, order).items()
    ]
    return Night(order.id, order.reason, order.created, lines)


def _guarded(builder: Builder, order: Order, partition: str, outcome: Outcome, accepted: Accepted | None) -> Line:
    """The line of a partition; one whose records can't be judged says so, and leaves the others theirs."""
    try:
        return _line(builder, order, partition, outcome, accepted)
    except Exception as error:
        told = f"its records can't be judged: {type(error).__name__}: {error}"
        return Line(partition, Outcome("failed", message=told, run_id=outcome.run_id, made=frozenset()))


def _line(builder: Builder, order: Order, partition: str, outcome: Outcome, accepted: Accepted | None) -> Line:
    flow = [stage.name for stage in builder.wanted(order.goals or None)]
    shown = builder.store.refs(partition)
    now: Built = {
        stage: shown[stage] for stage in flow if stage in shown and (outcome.made is None or stage in outcome.made)
    }
    return Line(
        partition,
        outcome,
        figures_of(builder.store, now),
        compare(builder.store, partition, accepted.built, now, flow) if accepted else Comparison(),
        list(missed_of(builder, partition, now, accepted.built if accepted else {})),
        accepted.when if accepted else "",
    )


def missed_of(builder: Builder, partition: str, now: Built, before: Built) -> Iterator[Missed]:
    """The checks that do not hold of what is there, as the assets check it."""
    if not now:
        return
    model, _, target = partition.partition("/")
    settings, wanted = builder.zoo.settings(model), Target.parse(target)
    tolerance = settings.tolerance.get(wanted.mode, {})
    for stage in builder.flow:
        if stage.name not in now or stage.params(settings, wanted) is None:
            continue
        record = builder.store.get(now[stage.name].key)
        was = builder.store.get(before[stage.name].key) if stage.name in before else None
        for check in CHECKS.get(stage.name, ()):
            if record and not check.holds(record.metadata, tolerance):
                evidence = [f"{name} {record.metadata[name]}" for name in check.evidence if name in record.metadata]
                known = was is not None and not check.holds(was.metadata, tolerance)
                yield Missed(partition, f"{stage.name}:{check.name}", ", ".join(evidence), known)
