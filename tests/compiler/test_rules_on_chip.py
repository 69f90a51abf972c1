"""Every lowering rule all the way to the chip: its tensors are the interpreter's, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.interpreter.results import results
from compiler.ir import files
from compiler.lowering.walk import lower
from compiler.npz import write_npz
from compiler.results import Results
from compiler.stages import addr_mlir, chip_results, lg_mlir, sample_model
from tests.compiler.lowering.cases import CASES
from tests.compiler.lowering.networks import calibrate, reference
from tests.compiler.lowering.test_formats import SPANS, made


@pytest.mark.parametrize("mode", ["bf16", "int8a"])
@pytest.mark.parametrize("case", CASES)
def test_the_chip_gives_the_bits_of_the_interpreter(case: str, mode: str, tmp_path: Path) -> None:
    network, feeds = made(case)
    calibrate(network, reference(network, feeds), SPANS)
    lower(network, mode)
    expected = results(network, feeds)
    files.save(network, tmp_path, "tpu")
    write_npz(tmp_path / "evaluation.npz", feeds)
    everything = {"tpu_mlir": tmp_path, "lg_mlir": tmp_path, "addr_mlir": tmp_path, "sample_model": tmp_path}
    params = {"chip": "e8", "effort": 1, "seed": None}
    for stage in (lg_mlir, addr_mlir, sample_model):
        stage.run(everything, params, tmp_path)
    chip_results.run({**everything, "evaluation_data": tmp_path}, {}, tmp_path)
    found = Results.load(tmp_path, "chip_results")
    assert found.arrays.keys() == expected.arrays.keys()
    assert [n for n, array in expected.arrays.items() if found.arrays[n].tobytes() != array.tobytes()] == []
    assert found.meanings == expected.meanings
