"""
What checked mode costs, and whether it is quiet where nothing is wrong.

Costs are paired, in one process: a checked session's run against a plain one's; the program checked anew before each
run; and both sides with a session made for one run. The program's proofs depend on the file alone, so a session makes
them once: the first figure is what a run repeats. False alarms are findings, of the program or of a run on evaluation
data, for models whose bytes equal the compiler's own interpreter's (`bench exact`). With `--zoo`, of every model there
is; otherwise of those that other parts build anyway, and of small ones, so that an empty store is no matter of hours.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from numpy.typing import NDArray

from assets.zoo.packages import PackageUnavailable
from pipeline.bench.judged import Judged, Wanted, judged
from pipeline.bench.sim import Bench, Built
from pipeline.bench.sim_speed import paired
from simulator.checks.check import check
from simulator.checks.finding import Faulty, Finding
from simulator.model_file import Model, read
from simulator.runtime import PyRuntime

COST = {"resnet50/x64-int8": Wanted(3, 1.5, less=True)}
NONE = Wanted(0, 0, less=True)
SOME = Wanted(1, 40)
"""Programs that are to be looked at: none is no pass."""

MODELS = ("resnet50", "yolov8n", "squeezenet", "mobilenetv2", "minilm", "ppocr_rec", "minilm_s128")
SMALL = ("lenet_mnist", "resnet8", "squeezenet", "vowels_gru")
MIDDLING = ("mobilenetv2", "minilm_s128", "ppocr_cls")
TARGETS = ("x64-bf16", "x32-int8", "e16-int8", "e8-int8", "e8-bf16")
"""Small models are for these too, of one core and two; with the zoo, middling ones as well. All others for x64-int8."""


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
    programs = records = absent = 0
    for model, target in cases(bench):
        try:
            built = bench.built(model, target)
        except PackageUnavailable:
            absent += 1
            continue
        loaded = read(built.model)
        yield judged(built.case, "false_alarms", len(findings(loaded, built.feeds)), "findings", NONE)
        programs += 1
        records += sum(len(core.tiu) + len(core.gdma) for core in loaded.cores)
    yield judged("all", "programs_checked", programs, "programs", SOME)
    yield judged("all", "records_checked", records, "records")
    yield judged("all", "models_absent", absent, "models")


def cases(bench: Bench) -> list[tuple[str, str]]:
    """Models and targets whose programs are held to be sound."""
    named, small = (bench.builder.zoo.names(), (*SMALL, *MIDDLING)) if bench.zoo else ((*MODELS, *SMALL), SMALL)
    made = bench.cases(list(dict.fromkeys(named)), ["x64-int8"])
    return (
        made if bench.models or bench.targets else [*made, *((model, target) for model in small for target in TARGETS)]
    )


def findings(model: Model, feeds: Mapping[str, NDArray[Any]]) -> Sequence[Finding]:
    """What a checked session has to say of a program and of a run; of one at fault, what keeps it from running."""
    try:
        session = PyRuntime(model, checked=True, collect=True)
        session.run(None, feeds)
    except Faulty as error:
        return error.findings
    return session.findings
