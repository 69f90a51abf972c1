"""
Functional simulation against onnxruntime's float run of the same net.

Both in one process, on the same threads, one after the other in turn; the figure is the median of the pairs' ratios, so
that what else the machine does cancels out.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any, cast

import onnxruntime as ort

from pipeline.bench.judged import Judged, Wanted, judged
from pipeline.bench.sim import Bench, Built
from simulator.runtime import PyRuntime

WANTED: Mapping[str, Wanted] = {
    "resnet50/x64-int8": Wanted(2, 1, less=True),
    "resnet50/x64-bf16": Wanted(12, 5, less=True),
}


def rows(bench: Bench) -> Iterator[Judged]:
    """Ratio, and the median seconds of both sides."""
    for model, target in bench.cases(["resnet50"], ["x64-int8", "x64-bf16"]):
        built = bench.built(model, target)
        times = _times(built, bench)
        ratio = median(ours / theirs for ours, theirs in times)
        yield judged(built.case, "functional_over_ort", ratio, "ratio", WANTED.get(built.case))
        yield judged(built.case, "functional_s", median(ours for ours, _ in times), "s")
        yield judged(built.case, "ort_s", median(theirs for _, theirs in times), "s")
        yield judged(built.case, "threads", bench.threads, "count")


def _times(built: Built, bench: Bench) -> list[tuple[float, float]]:
    session, reference = PyRuntime(built.model), float_session(built.onnx, bench.threads)
    return paired(lambda: session.run(None, built.feeds), lambda: reference.run(None, built.feeds), bench.pairs)


def float_session(path: Path, threads: int) -> Any:
    """Onnxruntime with its own defaults, but for the number of threads."""
    untyped = cast("Any", ort)
    options = untyped.SessionOptions()
    options.intra_op_num_threads = threads
    return untyped.InferenceSession(path, options)


def paired(ours: Callable[[], object], theirs: Callable[[], object], pairs: int) -> list[tuple[float, float]]:
    """Seconds of each pair, after one run of both that isn't counted."""
    ours()
    theirs()
    return [(_seconds(ours), _seconds(theirs)) for _ in range(pairs)]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
