"""A model of floats, integers and bools together, from ONNX to the chip: in the types it declares, in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from compiler import opt
from compiler.dialects.host import HostOp
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.session import Session
from compiler.frontends.onnx.to_top.read import read
from compiler.interpreter.results import results
from compiler.ir import files
from compiler.ir.network import Array
from compiler.lowering.walk import lower
from compiler.stages import addr_mlir, lg_mlir, sample_model
from compiler.stages.canonical_mlir import PIPELINE
from simulator.host import BadFeed
from simulator.runtime import PyRuntime
from tests.compiler.frontends.onnx.reference import run
from tests.compiler.lowering.networks import calibrate

NODES = """
    two = Constant <value = int64 {2}> ()
    wide = Constant <value = float {0.5}> ()
    half = CastLike (wide, x)
    many = Greater (ids, two)
    chosen = And (many, mask)
    flipped = Neg (x)
    scaled = Mul (flipped, half)
    y = Where (chosen, x, scaled)
    one = Cast <to = 7> (mask)
    count = Add (one, ids)
    rest = Mod (count, ids)
    near = Not (chosen)
"""
MODEL = f"""
<ir_version: 9, opset_import: ["" : 20]>
mixed (int64[2,1,5] ids, bool[3,5] mask, float16[2,3,5] x)
  => (float16[2,3,5] y, int64[2,3,5] count, int64[2,3,5] rest, bool[2,3,5] near)
{{{NODES}}}
"""


def feeds() -> dict[str, Array]:
    rng = np.random.default_rng(4)
    return {
        "ids": rng.integers(1, 5, (2, 1, 5)),
        "mask": rng.integers(0, 2, (3, 5)).astype(bool),
        "x": (rng.integers(-127, 128, (2, 3, 5)) / 32).astype(np.float16),
    }


def compiled(mode: str, folder: Path) -> tuple[PyRuntime, dict[str, Array]]:
    """The model on the smallest chip, and the interpreter's tensors of the same feeds."""
    network = read(prepare(onnx.parser.parse_model(MODEL), {}), "mixed")
    opt.run(network, opt.passes(PIPELINE))
    if mode.startswith("int8"):
        floats = {name: array for name, array in run(network, feeds()).items() if array.dtype.kind == "f"}
        calibrate(network, {"x": feeds()["x"], **floats}, {"x": (-127 / 32, 127 / 32)})
    lower(network, mode)
    assert not any(isinstance(op, HostOp) for op in network.ops)
    files.save(network, folder, "tpu")
    made = dict.fromkeys(("tpu_mlir", "lg_mlir", "addr_mlir"), folder)
    for stage in (lg_mlir, addr_mlir, sample_model):
        stage.run(made, {"chip": "e8", "effort": 1, "seed": 3}, folder)
    return PyRuntime(folder / sample_model.FILE), results(network, feeds()).arrays


@pytest.mark.parametrize("mode", ["f32", "bf16", "f16", "int8"])
def test_every_type_is_what_onnxruntime_gives(mode: str, tmp_path: Path) -> None:
    session, expected = compiled(mode, tmp_path)
    assert [entry.type for entry in session.get_inputs()] == ["tensor(int64)", "tensor(bool)", "tensor(float16)"]
    found = session.run(None, feeds())
    true = Session(onnx.parser.parse_model(MODEL), threads=1).run(feeds())
    for array, wanted in zip(found, true.values(), strict=True):
        assert array.dtype == wanted.dtype
        np.testing.assert_allclose(array, wanted, rtol=0, atol=0.02 if wanted.dtype.kind == "f" else 0)
    stored = session.run(None, feeds(), raw=True)
    names = [f"{entry.name}" for entry in session.get_outputs()]
    assert [a.tobytes() for a in stored] == [expected[name].tobytes() for name in names]


def test_an_integer_that_the_chip_cannot_hold_is_named(tmp_path: Path) -> None:
    session, _ = compiled("f32", tmp_path)
    far = feeds() | {"ids": np.full((2, 1, 5), 1 << 33)}
    with pytest.raises(BadFeed, match="input 'ids': 8589934592 doesn't fit int32"):
        session.run(None, far)
