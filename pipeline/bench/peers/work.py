"""
What every worker of a peer does, run by that peer's own Python: no module but the standard library's and numpy.

`python <name>_worker.py job.json`: the job has `model`, `calibration`, `evaluation` (files), `settings`, and `out`, a
folder. There the worker writes `quantised.onnx` or `results.npz`, and `report.json` with the CPU seconds of quantising.
"""

import json
import resource
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Feeds = list[dict[str, Any]]


@dataclass(frozen=True)
class Job:
    """What a worker is asked for."""

    model: str
    calibration: Feeds
    evaluation: Feeds
    settings: Mapping[str, Any]
    out: Path


def feeds(path: str) -> Feeds:
    """The samples of an `.npz`, one at a time."""
    with np.load(path) as held:
        arrays = {name: held[name] for name in held.files}
    count = len(next(iter(arrays.values())))
    return [{name: array[i : i + 1] for name, array in arrays.items()} for i in range(count)]


def cpu_seconds() -> float:
    """Of this process and its finished children, since they began."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)


def serve(quantise: Callable[[Job], None]) -> None:
    """Do the job of the file that the command line names."""
    told = json.loads(Path(sys.argv[1]).read_text())
    job = Job(told["model"], feeds(told["calibration"]), feeds(told["evaluation"]), told["settings"], Path(told["out"]))
    begun = cpu_seconds()
    quantise(job)
    (job.out / "report.json").write_text(json.dumps({"cpu_s": cpu_seconds() - begun}))
