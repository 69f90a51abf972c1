"""A peer on a model: its worker in a process of its own, and what its network makes of the samples to judge by."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.frontends.onnx.session import ORT
from compiler.npz import read_npz
from pipeline.bench.peers.catalogue import FAMILIES, Peer
from pipeline.bench.peers.install import HERE, Absent, python_of

SECONDS = 3600
"""What one peer may take on one model."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
QUIET = {"PYTHONWARNINGS": "ignore", "DO_NOT_TRACK": "1"}
SAID = 300
"""Letters of what a failing peer said last."""

Array = NDArray[Any]


class Failed(Exception):
    """A peer is there and doesn't do it; the message is what it said."""


@dataclass(frozen=True)
class Made:
    """The results by the model's names, samples on the first axis, and the CPU seconds of quantising."""

    results: Mapping[str, Array]
    cpu_s: float


def run(peer: Peer, model: Path, calibration: Path, evaluation: Path) -> Made:
    """What the peer makes of the model, calibrated and judged with these `.npz`. Raises Absent, Failed."""
    python = python_of(peer.family)
    with TemporaryDirectory() as scratch:
        out = Path(scratch)
        files = {"model": model, "calibration": calibration, "evaluation": evaluation, "out": out}
        told = {name: str(path.resolve()) for name, path in files.items()} | {"settings": dict(peer.settings)}
        (out / "job.json").write_text(json.dumps(told))
        _work([str(python), str(HERE / f"{peer.family}_worker.py"), str(out / "job.json")], out)
        seconds = json.loads((out / "report.json").read_text())["cpu_s"]
        if FAMILIES[peer.family].own_results:
            return Made(_as_named(model, read_npz(out / "results.npz")), seconds)
        try:
            return Made(answers(out / "quantised.onnx", evaluation), seconds)
        except Exception as error:  # onnxruntime's own have no common class
            raise Failed(f"its network doesn't run: {error}") from error


def answers(model: Path, samples: Path) -> dict[str, Array]:
    """
    The model's results of samples one by one, by onnxruntime on one thread.

    Nothing is optimised, so that a quantised network is computed as its file says, rounding by rounding.
    """
    options = ORT.SessionOptions()
    options.graph_optimization_level = ORT.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = ORT.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    held = read_npz(samples)
    rows = [
        session.run(names, {name: array[i : i + 1] for name, array in held.items()})
        for i in range(len(next(iter(held.values()))))
    ]
    return {name: np.concatenate(parts) for name, parts in zip(names, zip(*rows, strict=True), strict=True)}


def _work(command: list[str], folder: Path) -> None:
    held = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=held | ONE_THREAD | QUIET, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"it took more than {SECONDS} s") from None
    if done.returncode or not (folder / "report.json").exists():
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise Failed(f"exit code {done.returncode}: {said[-1][-SAID:] if said else 'it said nothing'}")


def _as_named(model: Path, results: Mapping[str, Array]) -> dict[str, Array]:
    """By the model's names in its order: a peer may lengthen a name."""
    session = ORT.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    found = {name: [made for made in results if made == name or made.startswith(f"{name}_")] for name in names}
    if missing := [name for name, made in found.items() if not made]:
        raise Failed(f"it made no {missing[0]}")
    return {name: results[made[0]] for name, made in found.items()}


__all__ = ["Absent", "Failed", "Made", "answers", "run"]
