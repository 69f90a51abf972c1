"""
ONNX's own test suite: a model is refused with a reason, or gives the suite's results by way of canonical.mlir.

Single nodes of every operator and opset, and small nets that PyTorch exported; expected values are the suite's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import load_model_tests

from compiler import opt
from compiler.frontends.onnx.errors import ModelError
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.to_top.read import read
from compiler.ir.network import name_of
from compiler.ir.storage import FLOATS
from compiler.passes.network_pass import PassError
from compiler.stages.canonical_mlir import PIPELINE
from pipeline.bench.conformance_suite import category
from simulator.onnx_host import HostFault
from tests.compiler.frontends.onnx.reference import run

KINDS = ("node", "pytorch-operator", "pytorch-converted")
HELD = frozenset((Path(__file__).parent / "conformance.txt").read_text().split())
"""Cases that passed, in column `top` of `tpuflow bench conformance --list`. None may be lost; add what is won."""

Array = NDArray[Any]
Sample = tuple[list[Array], list[Array]]


def array(value: object) -> Array:
    """A tensor of the suite. Raises TypeError for a sequence, a map, or nothing."""
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, np.ndarray | np.generic):
        return np.asarray(cast("Array", value))
    raise TypeError(type(value))


def saved(folder: Path, part: str) -> list[Array]:
    paths = sorted((folder / "test_data_set_0").glob(f"{part}_*.pb"), key=lambda path: int(path.stem.split("_")[1]))
    return [numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes())) for path in paths]


def sample(case: TestCase) -> Sample:
    """The first sample's inputs and expected outputs. Raises TypeError for what isn't a tensor."""
    if case.data_sets:
        fed, expected = case.data_sets[0]
        return list(map(array, fed)), list(map(array, expected))
    folder = Path(str(case.model_dir))
    return saved(folder, "input"), saved(folder, "output")


FOREIGN = frozenset({"signal/dft"})
"""Categories that only the host runs, where its rounding is another than the suite's."""


def model_of(case: TestCase) -> onnx.ModelProto:
    return case.model or onnx.load(Path(str(case.model_dir)) / "model.onnx")


def bound(model: onnx.ModelProto, fed: list[Array]) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """The model with numbers, flags and integers as constants, and what is left to feed."""
    held = {initializer.name for initializer in model.graph.initializer}
    names = [value.name for value in model.graph.input if value.name not in held]
    made, feeds = onnx.ModelProto(), dict[str, Array]()
    made.CopyFrom(model)
    for name, value in zip(names, fed, strict=False):
        if value.dtype.name in ("float16", "float32") and value.ndim and value.size:
            feeds[name] = value
        else:
            made.graph.initializer.append(numpy_helper.from_array(value, name))
    return made, feeds


def rounded(made: Array, wanted: Array) -> tuple[Array, Array]:
    """A float32 result in the float type that is wanted; both as float32 where numpy lacks that type."""
    if wanted.dtype.name in FLOATS:
        made = made.astype(wanted.dtype)
    return (made.astype(np.float32), wanted.astype(np.float32)) if wanted.dtype.kind == "V" else (made, wanted)


def near(case: TestCase, found: Array, wanted: Array) -> bool:
    """Within the case's tolerance; texts have none."""
    if wanted.dtype.kind in "OSU":
        return np.array_equal(found, wanted)
    return np.allclose(found, wanted, case.rtol, max(case.atol, 1e-5), True)


def outcomes(kind: str) -> Iterator[tuple[str, str]]:
    """
    Each case's name, and what came of it: `right`, `refused`, or what is wrong.

    Networks compute in float32: what a double holds beyond it isn't asked of them.
    """
    for case in load_model_tests(kind=kind):
        try:
            fed, expected = sample(case)
        except (TypeError, FileNotFoundError):
            continue
        if any(array.dtype == np.float64 for array in (*fed, *expected)) or category(model_of(case)) in FOREIGN:
            continue
        model, feeds = bound(model_of(case), fed)
        try:
            network = read(prepare(model, {name: value.shape for name, value in feeds.items()}), "case")
            opt.run(network, opt.passes(PIPELINE))
        except (ModelError, PassError):
            yield case.name, "refused"
            continue
        try:
            made = run(network, feeds)
        except HostFault:
            yield case.name, "refused"
            continue
        returned = [name_of(value) for value in list(network.ops)[-1].operands]
        equal = [
            made[name].shape == wanted.shape and near(case, *rounded(made[name], wanted))
            for name, wanted in zip(returned, expected, strict=False)
        ]
        yield case.name, "right" if all(equal) else "wrong"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_the_suite_is_refused_or_right(kind: str) -> None:
    found = dict(outcomes(kind))
    assert [name for name, outcome in found.items() if outcome == "wrong"] == []
    held = HELD & found.keys()
    assert held
    assert sorted(name for name in held if found[name] != "right") == []
