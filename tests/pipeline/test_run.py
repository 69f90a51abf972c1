"""`tpuflow run` on a model of two inputs: what it prints, and how little it imports."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from simulator.model_file import write
from simulator.runtime import PyRuntime
from tests.simulator.test_first_mismatch import X, mapped

SLOW = ("dagster", "numba", "onnx", "onnxruntime", "xdsl", "grimp", "compiler.build.builder", "simulator.checks.check")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    write(mapped(), tmp_path / "sample.model")
    np.savez(tmp_path / "in.npz", x0=X, x1=X)
    return tmp_path / "sample.model", tmp_path / "in.npz"


def ran(*arguments: Any, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["run", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.stdout


def test_a_first_mismatch_is_told_and_is_exit_code_1(files: tuple[Path, Path]) -> None:
    model, feeds = files
    reference = PyRuntime(model).dump([X, X])
    path = model.with_name("ref.npz")
    np.savez(path, **reference)  # pyright: ignore[reportArgumentType]
    assert "every tensor that ref.npz has is the same" in ran(model, "-i", feeds, "--against", path)
    reference["sum"][1, 2, 3, 0] += 1
    np.savez(path, **reference)  # pyright: ignore[reportArgumentType]
    assert "'sum' differs in 1 of" in ran(model, "-i", feeds, "--against", path, code=1)


def test_it_imports_what_it_needs(files: tuple[Path, Path]) -> None:
    model, feeds = files
    program = (
        "import sys, json; from pipeline.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        f"print(json.dumps([name for name in {SLOW} if name in sys.modules]))"
    )
    command = [sys.executable, "-c", program, "run", str(model), "-i", str(feeds)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert json.loads(told.splitlines()[-1]) == []
