"""
The same bits whatever computes them: whole dumps of runs on one thread and two, and by each kernel there is.

A process of its own makes each; all are held against that of one thread and the fastest kernels, byte by byte.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.bench.judged import Judged, Wanted, judged
from pipeline.bench.sim import Bench, Built
from pipeline.bench.sim_process import DUMP, cpu_seconds
from simulator.arithmetic import processor, threads

MODELS = ("resnet50", "squeezenet", "ppocr_rec", "minilm", "mobilenetv2")
TARGETS = ("x64-int8", "x64-bf16")
EQUAL = Wanted(0, 0, less=True)


def rows(bench: Bench) -> Iterator[Judged]:
    """Bytes that differ, of each other way to compute a model."""
    fastest, *others = (level.name for level in processor.available())
    ways = {"2-threads": (fastest, 2), **{level: (level, 1) for level in others}}
    for model, target in bench.cases(MODELS, TARGETS):
        built = bench.built(model, target)
        with TemporaryDirectory() as folder:
            feeds = Path(folder, "feeds.npz")
            np.savez(feeds, **built.feeds)  # pyright: ignore[reportArgumentType]
            known = _dump(built, feeds, fastest, 1)
            for way, (level, count) in ways.items():
                differing = differing_bytes(known, _dump(built, feeds, level, count))
                yield judged(f"{built.case}/{way}", "differing_bytes", differing, "bytes", EQUAL)


def differing_bytes(one: Mapping[str, NDArray[Any]], other: Mapping[str, NDArray[Any]]) -> int:
    """Bytes of all tensors that aren't the same; all of a tensor that the other lacks."""
    return sum(
        int(np.count_nonzero(held != other[name])) if name in other and held.shape == other[name].shape else held.size
        for name, held in one.items()
    )


def _dump(built: Built, feeds: Path, level: str, count: int) -> dict[str, NDArray[Any]]:
    out = feeds.with_name("dump.npz")
    settings = {processor.VARIABLE: level, threads.VARIABLE: str(count)}
    cpu_seconds(DUMP, built.model, feeds, out, settings=settings, cores=count)
    with np.load(out) as held:
        return dict(held)
