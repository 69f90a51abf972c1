"""Every lowering rule in every number format, interpreted, against onnxruntime in f32."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects.builtin import Float32Type

from compiler.dialects.quant import Quant
from compiler.dialects.structure import InputOp, Structure
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.ops import Tpu
from compiler.interpreter.results import results
from compiler.ir import text
from compiler.ir.network import Array, Network, name_of, shape, tensor
from compiler.ir.storage import is_quantised
from compiler.lowering.walk import FORMATS, lower
from compiler.results import Results
from tests.compiler.lowering.cases import CASES, FLOAT_IN_INT8, STEP
from tests.compiler.lowering.networks import Builder, calibrate, reference

SPANS = {"x": (-127 * STEP, 127 * STEP), "u": (0.0, 255 * STEP)}
ASYMMETRIC = SPANS | {"x": (-127 * STEP, 128 * STEP)}
"""Ranges whose 255 steps are the grid of the inputs."""
RELATIVE = {"f32": 2e-6, "bf16": 2.0**-7, "f16": 2.0**-9}
"""Largest error as a part of the largest value: of an op's inputs, steps and result rounded to the format."""


def made(case: str) -> tuple[Network, dict[str, Array]]:
    """A case's network and what it is fed: numbers that int8 holds exactly."""
    rng = np.random.default_rng(len(case))
    builder = Builder()
    network = builder.network(CASES[case](builder, rng))
    feeds = dict[str, Array]()
    for op in network.ops:
        if isinstance(op, InputOp):
            low, high = (-127, 128) if name_of(op) == "x" else (0, 256)
            feeds[name_of(op)] = (rng.integers(low, high, shape(op.output)) * STEP).astype(np.float32)
    return network, feeds


def lowered(network: Network, mode: str, feeds: dict[str, Array], io: str = "computed") -> Results:
    """The network lowered, seen to read back as written, and run."""
    lower(network, mode, io=io)
    written = text.write(network.module)
    assert text.write(text.read(written, Structure, Tpu, Quant)) == written
    return results(network, feeds)


@pytest.mark.parametrize("mode", ["f32", "bf16", "f16"])
@pytest.mark.parametrize("case", CASES)
def test_a_float_format_is_near_the_reference(case: str, mode: str) -> None:
    network, feeds = made(case)
    expected = reference(network, feeds)
    found = lowered(network, mode, feeds)
    assert {name for name, meaning in found.meanings.items() if not meaning.internal} == expected.keys()
    for name, array in expected.items():
        most = np.abs(array).max() + 1.0
        np.testing.assert_allclose(found.real(name), array, rtol=0, atol=RELATIVE[mode] * most, err_msg=name)


@pytest.mark.parametrize("mode", ["int8", "int8a"])
@pytest.mark.parametrize("case", CASES)
def test_an_int8_result_is_the_nearest_step(case: str, mode: str) -> None:
    network, feeds = made(case)
    expected = reference(network, feeds)
    calibrate(network, expected, ASYMMETRIC if mode == "int8a" else SPANS)
    found = lowered(network, mode, feeds)
    assert {name for name, meaning in found.meanings.items() if not meaning.internal} == expected.keys()
    for name, array in expected.items():
        step = np.max(found.meanings[name].scale) if "int8" in found.meanings[name].dtype else STEP / 1000
        roundings = 2 if (case, name) == ("concat", "t3") else 1
        assert np.abs(found.real(name) - array).max() <= 0.52 * step * roundings, name


@pytest.mark.parametrize("case", CASES)
def test_int8_computes_in_float_only_what_has_no_rule(case: str) -> None:
    network, feeds = made(case)
    calibrate(network, reference(network, feeds), SPANS)
    lower(network, "int8")
    floats = [
        op for op in network.ops if isinstance(op, TpuOp) and isinstance(tensor(op.output).element_type, Float32Type)
    ]
    assert bool(floats) == (case in FLOAT_IN_INT8)


@pytest.mark.parametrize("mode", FORMATS)
def test_edges_have_the_storage_type(mode: str) -> None:
    network, feeds = made("conv")
    calibrate(network, reference(network, feeds), SPANS)
    lower(network, mode)
    kinds = network.main.function_type
    assert list(kinds.inputs) == [value.type for value in network.main.body.block.args]
    assert list(kinds.outputs) == [value.type for value in network.main.body.block.last_op.operands]  # pyright: ignore
    assert is_quantised(network.main.body.block.args[0]) == (FORMATS[mode].scheme is not None)
    assert str(network.module.attributes["module.state"]) == '"TPU_LOWERED"'
