"""
A model of another framework into ONNX, by that framework's own converter in a process of its own.

So the framework's memory, threads and crashes stay out of ours, and it may be another Python's: that which
`TPUFLOW_<KIND>` names (`TPUFLOW_PADDLE=/opt/paddle/bin/python`), else this one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from compiler.frontends import foreign
from compiler.frontends.foreign import KINDS, Foreign, NotConverted
from compiler.frontends.onnx import errors
from compiler.frontends.onnx.errors import ModelError

SECONDS = 1800
"""What one conversion may take."""

ROOT = Path(__file__).parents[2]
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONWARNINGS": "ignore"}
ONLY_WEIGHTS = {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"}
"""No pickle of torch's is more than tensors, whatever asks for it."""


def python_of(kind: str) -> str:
    """The Python that a framework is looked for in."""
    return os.environ.get(f"TPUFLOW_{kind.upper()}") or sys.executable


def absent(kind: str) -> bool:
    """Whether that Python lacks the framework or its converter."""
    names = ", ".join(map(repr, KINDS[kind].packages))
    looked = f"from importlib.metadata import version\nfor name in ({names},): version(name)"
    return bool(subprocess.run([python_of(kind), "-c", looked], capture_output=True, check=False).returncode)


def converted(source: Foreign, out: Path, samples: Path | None = None) -> dict[str, Any]:
    """
    Write `model.onnx` into the folder, checked and compared with the framework; its report: `with`, packages and their
    versions, and `difference`, the distance from the framework's results as a share of their norm (None: not compared,
    since extents are open).

    With `samples`, an .npz of the inputs, also `results.npz`, the framework's own. Raises MissingPackages, NotTrusted,
    NotConverted, Disagrees, UnboundDimension; FileNotFoundError if there is no such Python.
    """
    with tempfile.TemporaryDirectory() as scratch:
        job = Path(scratch) / "job.json"
        told = asdict(source) | {"file": str(source.file.resolve()), "out": str(out.resolve())}
        job.write_text(json.dumps(told | {"samples": str(samples.resolve()) if samples else None}))
        command = [python_of(source.kind), "-m", "compiler.frontends.process", str(job)]
        done = subprocess.run(
            command, env=_environment(source), cwd=scratch, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    if (told := out / "error.json").is_file():
        raise _error(json.loads(told.read_text()), source)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise NotConverted(f"{source.file.name}: the process that converts it died: {said[-1]}")
    return json.loads((out / "report.json").read_text())


def _environment(source: Foreign) -> dict[str, str]:
    """Ours, with our packages to be found and pickles barred."""
    held = os.environ | QUIET | ({} if source.trust else ONLY_WEIGHTS)
    path = [str(ROOT), *filter(None, [held.get("PYTHONPATH")])]
    return held | {"PYTHONPATH": os.pathsep.join(path), "POLYGRAPHY_AUTOINSTALL_DEPS": "0"}


def _error(told: dict[str, str], source: Foreign) -> ModelError:
    made: Any = getattr(foreign, told["error"], None) or getattr(errors, told["error"], NotConverted)
    reason = told["reason"]
    return made(reason if source.file.name in reason else f"{source.file.name}: {reason}")
