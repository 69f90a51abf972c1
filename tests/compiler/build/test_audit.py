"""No stage reads a source file that its key does not cover, and no edit reaches a stage that can't see it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compiler.build.builder import Builder, partition_of
from compiler.build.flow import FLOW, SOURCES, Target
from compiler.build.keys import Code
from compiler.build.store import Store
from tests.offline_zoo import SEARCHED, OfflineZoo

REPOSITORY = Path(__file__).parents[3]
TARGET = Target("e8", "mix")

REACHED = {
    "compiler/passes/fuse_relu.py": {"canonical_mlir"},
    "compiler/lowering/int8.py": {"cali_table", "qtable", "tpu_mlir"},
    "compiler/schedule/divide.py": {"lg_mlir", "qtable"},
    "compiler/codegen/assemble.py": {"qtable", "sample_model"},
    "compiler/frontends/onnx/to_top/read.py": {"origin_mlir"},
    "compiler/quantization/calibrate.py": {"cali_table"},
    "compiler/quantization/histogram.py": {"cali_table", "quant_report"},
    "compiler/rounding/plane.py": {"tpu_mlir"},
    "compiler/mixed/search.py": {"qtable"},
    "compiler/quant_report/page.html.j2": {"quant_report"},
    "simulator/bound.py": {"profile"},
}
"""Stages that can reach a file of each room: an edit of it makes these stale, and no other."""


@pytest.fixture(scope="module")
def code() -> Code:
    return Code()


@pytest.mark.parametrize("file", REACHED)
def test_a_file_is_reached_by_its_own_stage_alone(code: Code, file: str) -> None:
    reaching = {stage.name for stage in FLOW if file in code.closure(stage.module)}
    assert reaching == REACHED[file]


def test_no_stage_depends_on_the_planner(code: Code) -> None:
    for stage in FLOW:
        assert not [file for file in code.closure(stage.module) if file.startswith("compiler/build/")]


def test_every_stage_reads_nothing_beside_its_inputs_and_its_code(code: Code, tmp_path: Path) -> None:
    builder = Builder(Store(tmp_path / "build"), OfflineZoo(tmp_path / "zoo"), code)
    settings = builder.zoo.settings("lenet")
    settings = replace(settings, mix=SEARCHED, calibration={**settings.calibration, "method": "auto"})
    builder.build(settings, TARGET)
    jobs: list[dict[str, Any]] = []
    for stage in FLOW:
        held = {
            name: builder.source("lenet", name)
            if name in SOURCES
            else builder.store.read(partition_of("lenet", TARGET), name)
            for name in stage.inputs
        }
        out = tmp_path / "out" / stage.name
        out.mkdir(parents=True)
        inputs = {name: str(ref.path) for name, ref in held.items()}
        params = stage.params(settings, TARGET)
        jobs.append({"module": stage.module, "params": params, "inputs": inputs, "out": str(out)})
    run = audited(jobs, tmp_path)
    assert run.returncode == 0, run.stderr
    for module, files in json.loads(run.stdout).items():
        assert files, f"{module} was not seen to read anything"
        assert sorted(set(files) - set(code.closure(module))) == [], module


def test_a_stage_that_fails_fails_the_audit(tmp_path: Path) -> None:
    job = {"module": "compiler.stages.cali_table", "params": {"method": "mse"}, "inputs": {}, "out": str(tmp_path)}
    run = audited([job], tmp_path)
    assert run.returncode == 1
    assert "KeyError: 'bins'" in run.stderr
    assert "StageFailed: compiler.stages.cali_table ended with exit code 1" in run.stderr


def audited(jobs: list[dict[str, Any]], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "audit"],
        input=json.dumps(jobs),
        env={**os.environ, "PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{REPOSITORY}"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
