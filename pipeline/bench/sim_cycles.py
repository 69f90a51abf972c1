"""Timed mode: CPU seconds of a fresh process that loads a model and counts its cycles, without running it."""

from collections.abc import Iterator

from pipeline.bench.judged import Judged, Wanted, judged
from pipeline.bench.sim import Bench
from pipeline.bench.sim_process import CYCLES, cpu_seconds

WANTED = Wanted(1, 0.2, less=True)


def rows(bench: Bench) -> Iterator[Judged]:
    """The least of several processes, start and imports included."""
    for model, target in bench.cases(["resnet50"], ["x64-int8"]):
        built = bench.built(model, target)
        spent = min(cpu_seconds(CYCLES, built.model) for _ in range(bench.pairs))
        yield judged(built.case, "cycles_only_cpu_s", spent, "s", WANTED)
