"""
What checked mode costs, and whether it is quiet where nothing is wrong.

Costs are paired, in one process: a checked session's run against a plain one's; the program checked anew before each
run; and both sides with a session made for one run. The program's proofs depend on the file alone, so a session makes
them once: the first figure is what a run repeats. False alarms are findings, of the program or of a run on evaluation
data, for models whose bytes equal the compiler's own interpreter's.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from assets.zoo.packages import PackageUnavailable
from pipeline.bench.judged import Judged, Wanted, judged
from pipeline.bench.sim import Bench, Built
from pipeline.bench.sim_speed import paired
from simulator.checks.check import check, examine
from simulator.model_file import read
from simulator.runtime import PyRuntime

COST = {"resnet50/x64-int8": Wanted(3, 1.5, less=True)}
NONE = Wanted(0, 0, less=True)
SOME = Wanted(1, 40)
"""Programs that are to be looked at: none is no pass."""

SMALL = ("lenet_mnist", "resnet8", "squeezenet", "mobilenetv2", "minilm_s128", "ppocr_cls", "vowels_gru")
TARGETS = ("x64-bf16", "x32-int8", "e16-int8", "e8-int8", "e8-bf16")
"""Small models are for these too, of one core and two; the whole zoo for x64-int8."""


def rows(bench: Bench) -> Iterator[Judged]:
    """Ratios of both sides' seconds, and findings for every program."""
    for model, target in bench.cases(["resnet50", "yolov8n"], ["x64-int8"]):
        yield from _costs(bench.built(model, target), bench.pairs)
    yield from _alarms(bench)


def _costs(built: Built, pairs: int) -> Iterator[Judged]:
    feeds, model, wanted = built.feeds, read(built.model), COST.get(built.case)
    plain, checked = PyRuntime(model), PyRuntime(model, checked=True)

    def anew() -> None:
        check(model)
        checked.run(None, feeds)

    for metric, ours in (("checked_over_functional", lambda: checked.run(None, feeds)), ("anew_over_functional", anew)):
        times = paired(ours, lambda: plain.run(None, feeds), pairs)
        yield judged(built.case, metric, median(a / b for a, b in times), "ratio", wanted)
    times = paired(lambda: _once(built, True), lambda: _once(built, False), pairs)
    yield judged(built.case, "load_check_run_over_load_run", median(a / b for a, b in times), "ratio", wanted)
    yield judged(built.case, "check_cpu_s", min(_check_seconds(built.model) for _ in range(pairs)), "s")


def _once(built: Built, checked: bool) -> None:
    PyRuntime(built.model, checked=checked).run(None, built.feeds)


def _check_seconds(path: Path) -> float:
    model = read(path)
    start = time.process_time()
    check(model)
    return time.process_time() - start


def _alarms(bench: Bench) -> Iterator[Judged]:
    cases = bench.cases(bench.builder.zoo.names(), ["x64-int8"])
    cases += [] if bench.models or bench.targets else [(model, target) for model in SMALL for target in TARGETS]
    programs = records = absent = 0
    for model, target in cases:
        try:
            built = bench.built(model, target)
        except PackageUnavailable:
            absent += 1
            continue
        loaded = read(built.model)
        found, session = examine(loaded).findings, PyRuntime(loaded, checked=True, collect=True)
        session.run(None, built.feeds)
        yield judged(built.case, "false_alarms", len({*found, *session.findings}), "findings", NONE)
        programs += 1
        records += sum(len(core.tiu) + len(core.gdma) for core in loaded.cores)
    yield judged("all", "programs_checked", programs, "programs", SOME)
    yield judged("all", "records_checked", records, "records")
    yield judged("all", "models_absent", absent, "models")
