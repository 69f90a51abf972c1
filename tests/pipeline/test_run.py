"""`tpuflow run` on a model of two inputs: what it prints, and how little it imports."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from simulator.debug_map import TensorSlice
from simulator.isa.table import DType, Engine
from simulator.model_file import Tensor, write
from simulator.runtime import PyRuntime
from tests.simulator.programs import Program
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


def test_what_the_checks_find_is_told_beside_the_first_mismatch(tmp_path: Path) -> None:
    program, ones = Program("e8"), np.ones((1, 8, 2, 3), np.float32)
    a, b = (program.load(program.feed(ones)) for _ in range(2))
    quotient = program.local(a.dims, DType.F32)
    program.do("ARITH", "div", out=quotient, a=a, b=b)
    program.store(quotient)
    box = ((0, 1), (0, 8), (0, 2), (0, 3))
    read = Tensor("a", ones.shape, DType.F32, slices=[TensorSlice(Engine.GDMA, 1, a, box)])
    write(replace(program.model(), tensors=(read,)), tmp_path / "sample.model")
    np.savez(tmp_path / "in.npz", x0=ones, x1=0 * ones)
    np.savez(tmp_path / "ref.npz", a=ones)
    command = tmp_path / "sample.model", "-i", tmp_path / "in.npz", "--against", tmp_path / "ref.npz"
    assert "is the same" in ran(*command)
    told = ran(*command, "--checked", code=1)
    assert "is the same" in told
    assert "births: TIU record 1" in told


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
