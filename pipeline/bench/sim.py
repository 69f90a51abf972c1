"""
`bench sim`: functional simulation of int8 against onnxruntime's float run of the same net.

Both in one process, on the same threads, one after the other in turn; the figure is the median of the pairs' ratios, so
that what else the machine does cancels out.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, cast

import numpy as np
import onnxruntime as ort

from compiler.build.builder import Builder
from compiler.build.flow import Target
from pipeline.bench.report import Row
from pipeline.bench.status import Told
from simulator.runtime import PyRuntime


def rows(builder: Builder, model: str, target: str, pairs: int, threads: int, told: Told) -> Iterator[Row]:
    """Ratio, and the median seconds of both sides."""
    settings, case = builder.zoo.settings(model), told.at(f"{model}/{target}")
    records = builder.build(settings, Target.parse(target), ("sample_onnx", "sample_model"), told, show=False)
    session = PyRuntime(records["sample_model"].ref.path / "sample.model")
    reference = float_session(records["sample_onnx"].ref.path / "sample.onnx", threads)
    with np.load(builder.zoo.files(model)["evaluation_data"] / "evaluation.npz") as held:
        feeds = {entry.name: held[entry.name][: entry.shape[0]] for entry in session.get_inputs()}
    times = paired(lambda: session.run(None, feeds), lambda: reference.run(None, feeds), pairs)
    yield Row(case, "functional_over_ort", median(ours / theirs for ours, theirs in times), "ratio")
    yield Row(case, "functional_s", median(ours for ours, _ in times), "s")
    yield Row(case, "ort_s", median(theirs for _, theirs in times), "s")
    yield Row(case, "threads", threads, "count")


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
