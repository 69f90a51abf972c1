"""
`bench compile`: CPU seconds from an ONNX file to `sample.model`, nothing in the store.

A process of its own does it, so that its imports count, as they do for who compiles a model once; calibration runs on
the record's samples. Making the zoo's files is no part of it.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from assets.zoo.zoo import InstalledZoo
from compiler.build.builder import Builder, Listener
from compiler.build.flow import Target
from compiler.build.kernels import keep_kernels
from compiler.build.keys import Code
from compiler.build.store import Record, Store
from pipeline.bench.report import Row

GOAL = "sample_model"


class Meter(Listener):
    """CPU seconds of each stage, the process's own and those of its finished children."""

    def __init__(self) -> None:
        self.stages = dict[str, float]()
        self._begun = 0.0

    def started(self, stage: str) -> None:
        """Read the clock."""
        self._begun = cpu_seconds()

    def finished(self, stage: str, record: Record) -> None:
        """Note what the stage took."""
        self.stages[stage] = cpu_seconds() - self._begun


def cpu_seconds() -> float:
    """User and system time of this process and its finished children since they began."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)


def rows(model: str, target: str, samples: int) -> Iterator[Row]:
    """A row for each stage, and the total with start-up and imports. Raises CalledProcessError."""
    command = [sys.executable, "-m", "pipeline.bench.cold", model, target, str(samples)]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    for stage, seconds in told["stages"].items():
        yield Row(f"{model}/{target}/{stage}", "cpu_s", round(seconds, 3), "s")
    yield Row(f"{model}/{target}", "cpu_s", round(told["total"], 3), "s")


def measure(model: str, target: str, samples: int) -> dict[str, object]:
    """Compile into a store that is gone afterwards, and say what it took."""
    meter = Meter()
    with TemporaryDirectory() as folder:
        store, code = Store(Path(folder)), Code()
        keep_kernels(code, store.inner / "numba")
        builder = Builder(store, InstalledZoo(), code)
        settings = builder.zoo.settings(model)
        settings = replace(settings, calibration={**settings.calibration, "samples": samples})
        builder.build(settings, Target.parse(target), (GOAL,), meter)
    return {"stages": meter.stages, "total": cpu_seconds()}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
