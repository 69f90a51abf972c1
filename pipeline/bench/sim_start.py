"""
What it takes to begin: CPU seconds of a fresh process on one core, its start and imports included.

Once to load a model, once to load and run it: the latter against TPU-MLIR 1.30.2's cmodel, whose CPU seconds
(`model_runner` of a BM1684X bmodel, user and system, start included) were measured on a machine of this kind. The
least of several processes counts, after one that leaves kernels, bytecode and the file in their caches.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pipeline.bench.judged import Judged, Wanted, judged
from pipeline.bench.sim import Bench
from pipeline.bench.sim_process import LOAD, RUN, cpu_seconds

CMODEL_SECONDS: Mapping[str, float] = {
    "resnet50/x64-int8": 17.2,
    "ppocr_rec/x64-int8": 14.9,
    "squeezenet/x64-int8": 4.7,
}
START = {"resnet50/x64-int8": Wanted(1.5, 0.5, less=True)}
FASTER = Wanted(10, 30)


def rows(bench: Bench) -> Iterator[Judged]:
    """Seconds to import and load, to run once as well, and how many times that goes into the cmodel's."""
    for model, target in bench.cases(["resnet50", "ppocr_rec", "squeezenet"], ["x64-int8"]):
        built = bench.built(model, target)
        with TemporaryDirectory() as folder:
            feeds = Path(folder, "feeds.npz")
            np.savez(feeds, **built.feeds)  # pyright: ignore[reportArgumentType]
            cpu_seconds(f"{LOAD}\n{RUN}", built.model, feeds)
            load = min(cpu_seconds(LOAD, built.model) for _ in range(bench.pairs))
            run = min(cpu_seconds(f"{LOAD}\n{RUN}", built.model, feeds) for _ in range(bench.pairs))
        yield judged(built.case, "import_and_load_cpu_s", load, "s", START.get(built.case))
        yield judged(built.case, "import_load_and_run_cpu_s", run, "s")
        if theirs := CMODEL_SECONDS.get(built.case):
            yield judged(built.case, "cmodel_over_ours", theirs / run, "ratio", FASTER)
