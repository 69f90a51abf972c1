"""
`bench conformance`: how much of ONNX's backend suite the compiler takes, and that nothing it takes comes out wrong.

Columns: `ort`, onnxruntime on the models as they stand; `top`, canonical.mlir written back and run; `x64-f32` and
`e8-f32`, compiled and run on the simulated chip; `x64-f32-nohost`, the same without an op on the host.
"""

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.bench import conformance_crew as crew
from pipeline.bench.conformance_columns import COLUMNS, CRASHED, OURS, PASSED, REFUSED, WRONG, Outcome, outcomes
from pipeline.bench.conformance_suite import Case, cases
from pipeline.bench.report import Row
from pipeline.bench.status import Told

SECONDS = 300.0
"""What one case may take in all columns together; VGG-19 takes a tenth on a machine that has nothing else to do."""

METRICS = {"passed_in_scope": PASSED, "wrong_answers": WRONG, "refused": REFUSED, "crashed": CRASHED}
LISTED = ("case", "category", "column", "outcome", "reason")

Work = Callable[[Case], Iterable[Outcome]]


@dataclass(frozen=True)
class Cause:
    """A reason for refusals: how many cases give it, and how many of these give no other."""

    column: str
    reason: str
    cases: int
    alone: int
    example: str


def run(told: Told, match: str = "", seconds: float = SECONDS, work: Work = outcomes) -> list[Outcome]:
    """Every case in scope in every column, in the suite's order."""
    tasks = list(cases(match))
    order = {case.name: i for i, case in enumerate(tasks)}
    found = list[Outcome]()
    # Nets take longest; first begun, they don't leave one process to finish alone.
    by_size = sorted(tasks, key=lambda case: -len(case.model))
    for i, done in enumerate(crew.outcomes(by_size, work, len(os.sched_getaffinity(0)), seconds), 1):
        told.at(f"{i} of {len(tasks)}: {done.task.name}")
        found += done.results
        missing = COLUMNS[len(done.results) :]
        found += [Outcome(done.task.name, done.task.category, column, CRASHED, done.lost) for column in missing]
    return sorted(found, key=lambda outcome: (order[outcome.case], COLUMNS.index(outcome.column)))


def rows(found: Sequence[Outcome]) -> Iterator[Row]:
    """A row for each column and metric, and the number of cases in scope."""
    for column in COLUMNS:
        counts = Counter(outcome.outcome for outcome in found if outcome.column == column)
        yield Row(column, "in_scope", counts.total(), "cases")
        yield from (Row(column, metric, counts[outcome], "cases") for metric, outcome in METRICS.items())


def refusals(found: Iterable[Outcome]) -> list[Cause]:
    """Why our columns refuse, the most frequent reason first; what an earlier column said already isn't counted."""
    seen, alone, example = Counter[tuple[str, str]](), Counter[tuple[str, str]](), dict[tuple[str, str], str]()
    told = set[tuple[str, tuple[str, ...]]]()
    for outcome in found:
        if outcome.column not in OURS or outcome.outcome != REFUSED or (outcome.case, outcome.causes) in told:
            continue
        told.add((outcome.case, outcome.causes))
        for reason in outcome.causes:
            key = (outcome.column, reason)
            seen[key] += 1
            alone[key] += len(outcome.causes) == 1
            example.setdefault(key, outcome.case)
    return [Cause(*key, count, alone[key], example[key]) for key, count in seen.most_common()]


def defects(found: Iterable[Outcome]) -> list[Outcome]:
    """What may never be: wrong results, and exceptions that aren't refusals, of our columns."""
    return [outcome for outcome in found if outcome.column in OURS and outcome.outcome in (WRONG, CRASHED)]


def write(found: Iterable[Outcome], path: Path) -> None:
    """The outcomes as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(LISTED)
        table.writerows([getattr(outcome, key) for key in LISTED] for outcome in found)
