"""
`bench incremental`: what an edit, a setting, a second builder and a killed one cost.

All of it happens in a copy of the packages with stores of its own, every step a fresh process. Edits are of real lines:
a stage runs where a build ran it, whatever a plan had said.
"""

import signal
import time
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from compiler.build.collect import damaged
from compiler.build.flow import FLOW, needed
from compiler.build.store import Store
from pipeline.bench.replica import Partition, Replica
from pipeline.bench.report import Row
from pipeline.bench.status import Told
from pipeline.display import NOTES

SMALL = ("lenet_mnist", "resnet8")
TARGETS = ("x64-f32", "x64-bf16", "x64-int8", "x64-mix", "e8-int8")
INT8: tuple[Partition, ...] = tuple((model, "x64-int8") for model in SMALL)
MIX: tuple[Partition, ...] = tuple((model, "x64-mix") for model in SMALL)

STAGES = tuple(stage.name for stage in FLOW)

EDITS: Mapping[str, tuple[str, str, str]] = {
    "edit-layer-group": (
        "compiler/schedule/options.py",
        "        if len(group.nodes) == 1 and group.nodes[0].free:",
        "        if len(group.nodes) > 2 or group.nodes[0].free:",
    ),
    "edit-comment": ("compiler/schedule/options.py", "LONGEST =", "# As many as pay off.\nLONGEST ="),
    "edit-plot": ("assets/plots/canvas.py", '"""\n', '"""\nAn edit.\n'),
    "edit-table": ("assets/metadata.py", "MAX_ROWS = ", "MAX_ROWS = 1 + "),
}
"""By case, the file, and what of it becomes what: groups in one tile cut short, a remark, a plot, a table's rows."""

NEVER = frozenset(
    (
        "stages_before_lg",
        "stages_before_tpu",
        "stages_due",
        "stages_run_twice",
        "mismatched_files",
        "damaged_objects",
        "builds_not_killed",
    )
)
"""Metrics of which anything but 0 is a fault."""

EXPERIMENT = ("calibration.method=percentile",)


def rows(told: Told) -> Iterator[Row]:
    """All cases. Raises CalledProcessError, EditFailed."""
    with TemporaryDirectory() as folder:
        replica = Replica(Path(folder, "copy"))
        yield from _zoo(replica, told)
        told.at("first builds")
        base = replica.run("build", [*INT8, *MIX])
        yield from _unchanged(replica, told)
        yield from _there_and_back(replica, told)
        for case in EDITS:
            yield from _edit(replica, told.at(case))
        yield from _qtable(replica, told)
        yield from _two_at_once(replica, told)
        yield from _killed(replica, told, base["lenet_mnist/x64-int8"]["seconds"])


def _zoo(replica: Replica, told: Told) -> Iterator[Row]:
    """How long the planner takes over the whole zoo, each stage of which has its record."""
    case = told.at("unchanged/zoo")
    models = replica.run("models", [])
    if models["absent"]:
        NOTES.print(f"not fetched, so not planned: {', '.join(models['absent'])}")
    partitions: list[Partition] = list(product(models["present"], TARGETS))
    replica.run("record", partitions, "planned")
    replica.run("plan", partitions, "planned")
    plans = replica.run("plan", partitions, "planned").values()
    yield Row(case, "partitions", len(plans), "partitions")
    yield Row(case, "models_absent", len(models["absent"]), "models")
    yield Row(case, "stages_due", sum(len(it["due"]) for it in plans), "stages")
    yield Row(case, "plan_ms_a_partition", round(median(median(it["took_ms"][1:]) for it in plans), 3), "ms")
    yield Row(case, "first_plan_ms_a_partition", round(mean(it["took_ms"][0] for it in plans), 3), "ms")


def _unchanged(replica: Replica, told: Told) -> Iterator[Row]:
    """What is built already."""
    case, again = told.at("unchanged"), replica.run("build", [*INT8, *MIX])
    yield Row(case, "stages_due", _count(again, "due"), "stages")
    yield Row(case, "stages_run", _count(again), "stages")


def _there_and_back(replica: Replica, told: Told) -> Iterator[Row]:
    """A parameter set, and set back."""
    case, partition = told.at("a-b-a"), INT8[0]
    before = replica.files(partition)
    there = replica.run("build", [partition], changes=EXPERIMENT)
    between = replica.files(partition)
    back = replica.run("build", [partition])
    yield Row(f"{case}/there", "stages_run", _count(there), "stages")
    yield Row(f"{case}/there", "changed_files", _mismatched(before, between), "files")
    yield Row(f"{case}/back", "stages_repointed", _count(back, "due"), "stages")
    yield Row(f"{case}/back", "stages_run", _count(back), "stages")
    yield Row(f"{case}/back", "mismatched_files", _mismatched(before, replica.files(partition)), "files")


def _edit(replica: Replica, case: str) -> Iterator[Row]:
    """An edit of a source file."""
    with replica.edited(*EDITS[case]):
        done = replica.run("build", INT8)
        yield from stage_rows(case, done, "lg_mlir")
    if _count(done):
        yield Row(f"{case}/back", "stages_run", _count(replica.run("build", INT8)), "stages")


def _qtable(replica: Replica, told: Told) -> Iterator[Row]:
    """A threshold in one model's qtable, and what that does to another model and to the first one's int8."""
    case, (model, target) = told.at("edit-qtable"), MIX[0]
    table = (replica.root / "build" / model / target / "cali_table").read_text()
    tensor, threshold = [line.split()[:2] for line in table.splitlines() if not line.startswith("#")][-1]
    path = replica.root / "pipeline" / "zoo" / f"{model}.yaml"
    record = path.read_text()
    changed = {**yaml.safe_load(record), "qtable": {tensor: float(threshold) / 2}}
    with replica.edited(f"pipeline/zoo/{model}.yaml", record, yaml.safe_dump(changed, sort_keys=False)):
        yield from stage_rows(case, replica.run("build", [*MIX, *INT8]), "tpu_mlir")


def _two_at_once(replica: Replica, told: Told) -> Iterator[Row]:
    """Two builds of one partition, beginning together with nothing in the store."""
    case, partition = told.at("two-at-once"), INT8[0]
    processes = [replica.start("build", [partition], "shared") for _ in range(2)]
    ran = [name for process in processes for it in replica.finish(process).values() for name in it["ran"]]
    yield Row(case, "stages_run", len(ran), "stages")
    yield Row(case, "stages_run_twice", len(ran) - len(set(ran)), "stages")
    differing = _mismatched(replica.files(partition), replica.files(partition, "shared"))
    yield Row(case, "mismatched_files", differing, "files")


def _killed(replica: Replica, told: Told, seconds: Mapping[str, float]) -> Iterator[Row]:
    """Send SIGKILL in the middle of each stage in turn, each build going on where the one before died."""
    partition, spoilt, died = INT8[0], 0, 0
    store = Store(replica.root / "killed")
    for stage in STAGES:
        told.at(f"kill-9 {stage}")
        process = replica.start("build", [partition], "killed", hang_in=stage)
        assert process.stdout is not None
        if process.stdout.readline() == "begun\n":
            time.sleep(seconds[stage] / 2)
        process.kill()
        process.stdout.close()
        died += process.wait() == -signal.SIGKILL
        spoilt += len(damaged(store))
    ran = replica.run("build", [partition], "killed")
    case = "kill-9"
    yield Row(case, "builds_killed", died, "builds")
    yield Row(case, "builds_not_killed", len(STAGES) - died, "builds")
    yield Row(case, "damaged_objects", spoilt, "objects")
    yield Row(f"{case}/next", "stages_run", _count(ran), "stages")
    differing = _mismatched(replica.files(partition), replica.files(partition, "killed"))
    yield Row(f"{case}/next", "mismatched_files", differing, "files")


def stage_rows(case: str, done: Mapping[str, Any], first: str) -> Iterator[Row]:
    """By partition, how many stages ran; where any did, a row for each, those before `first`, and those spared."""
    before = {stage.name for stage in needed(FLOW, [first])} - {first}
    for partition, build in done.items():
        ran, case_here = build["ran"], f"{case}/{partition}"
        yield Row(case_here, "stages_run", len(ran), "stages")
        if ran:
            yield from (Row(f"{case_here}/{name}", "runs", 1, "stage") for name in ran)
            before_first = f"stages_before_{first.removesuffix('_mlir')}"
            yield Row(case_here, before_first, len(before.intersection(ran)), "stages")
            yield Row(case_here, "stages_cut_off", len(set(build["due"]) - set(ran)), "stages")


def _count(done: Mapping[str, Any], what: str = "ran") -> int:
    """Stages of all builds together that ran, or that were due before."""
    return sum(len(it[what]) for it in done.values())


def _mismatched(one: Mapping[str, str], other: Mapping[str, str]) -> int:
    """Files that only one has, or that differ."""
    return len({name for name, _ in one.items() ^ other.items()})
