"""Every `.mlir` file of the flow, from origin to addr, is printed as LLVM's own tool prints it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assets.zoo import record
from assets.zoo.make import model_bytes
from assets.zoo.packages import PackageUnavailable
from compiler.dialects.quant import Quant
from compiler.dialects.top.ops import Top
from compiler.dialects.tpu.ops import Tpu
from compiler.ir import text
from compiler.npz import write_npz
from compiler.stages import (
    addr_mlir,
    cali_mlir,
    cali_table,
    canonical_mlir,
    lg_mlir,
    origin_mlir,
    sample_onnx,
    tpu_mlir,
)
from tests.compiler.ir.mlir_opt import needs_mlir_opt, printed

STAGES = {
    "sample_onnx": sample_onnx, "origin_mlir": origin_mlir, "canonical_mlir": canonical_mlir,
    "cali_table": cali_table, "cali_mlir": cali_mlir, "tpu_mlir": tpu_mlir, "lg_mlir": lg_mlir, "addr_mlir": addr_mlir,
}  # fmt: skip


def build(model: str, chip: str, mode: str, root: Path) -> list[Path]:
    """The text files of one model for one target, in flow order; skips by name a model that can't be had."""
    held = record.read(model)
    folders = {name: root / name for name in ("model_file", "calibration_data", *STAGES)}
    for folder in folders.values():
        folder.mkdir()
    try:
        (folders["model_file"] / "model.onnx").write_bytes(model_bytes(held))
    except PackageUnavailable as error:
        pytest.skip(str(error))
    rng = np.random.default_rng(2)
    samples = {n: rng.normal(0, 1, (3, *dims[1:])).astype(np.float32) for n, dims in held.inputs.items()}
    write_npz(folders["calibration_data"] / "calibration.npz", samples)
    params = {
        "shapes": {name: list(dims) for name, dims in held.inputs.items()}, "name": model, "method": "max",
        "samples": 3, "bins": 256, "mode": mode, "chip": chip, "effort": 1, "seed": None,
    }  # fmt: skip
    for name, stage in STAGES.items():
        stage.run(folders, params, folders[name])
    return [path for name in STAGES for path in folders[name].glob("*.mlir")]


@needs_mlir_opt
@pytest.mark.parametrize(
    ("model", "chip", "mode"),
    [("lenet_mnist", "e8", "bf16"), ("resnet8", "e16", "int8"), ("ppocr_cls", "x64", "int8")],
)
def test_every_file_is_printed_as_mlir_opt_prints_it(model: str, chip: str, mode: str, tmp_path: Path) -> None:
    written = build(model, chip, mode, tmp_path)
    assert [path.name for path in written] == [
        "origin.mlir", "canonical.mlir", "cali.mlir", "tpu.mlir", "lg.mlir", "addr.mlir",
    ]  # fmt: skip
    for path in written:
        source = path.read_text()
        assert printed(source) == source, path.name
        assert text.write(text.read(source, Top, Tpu, Quant, name=path.name)) == source, path.name
