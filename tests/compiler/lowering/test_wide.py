"""W8F16: weights in eight bits by activations in sixteen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from compiler.dialects.fields import FALSE, TRUE, integer, ints
from compiler.dialects.top import ops as top
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.product import BatchMatMulOp
from compiler.interpreter.results import results
from compiler.ir import files
from compiler.ir.network import Array, Network, name_of, tensor
from compiler.lowering.walk import lower
from compiler.stages import addr_mlir, lg_mlir, sample_model
from simulator.runtime import PyRuntime
from tests.compiler.lowering.networks import Builder, calibrate, reference


def whole(scale: float, *dims: int) -> Array:
    """Numbers that eight bits hold exactly."""
    numbers = np.random.default_rng(dims).integers(-127, 128, dims)
    numbers.reshape(-1)[:: numbers[0].size] = 127
    return (numbers * scale).astype(np.float32)


X, ROWS = whole(1 / 32, 1, 16, 6, 6), whole(1 / 32, 1, 64, 32)


def convolutions(group: int = 1) -> Network:
    """X → t0 Softmax (f32) → t1 Conv + Relu → t2 Conv of what the first made; weights that lose nothing."""
    b = Builder()
    x = b.op(top.SoftmaxOp, b.input("x", *X.shape), axis=integer(1))
    kernel = {"kernel_shape": ints(3, 3), "strides": ints(1, 1), "pads": ints(1, 1, 1, 1), "dilations": ints(1, 1)}
    first = b.weight(whole(0.01, 16, 16 // group, 3, 3))
    made = b.op(top.ConvOp, x, first, b.weight(whole(0.02, 16)), group=integer(group), do_relu=TRUE, **kernel)
    last = b.weight(whole(0.01, 4, 16, 3, 3))
    return calibrated(b.network(b.op(top.ConvOp, made, last, b.none(), group=integer(1), **kernel)), X)


def products(dims: tuple[int, ...]) -> Network:
    """X → t0 LayerNorm → t1 MatMul with a bias."""
    b = Builder()
    x = b.op(top.LayerNormOp, b.input("x", *dims), b.none(), b.none(), axis=integer(len(dims) - 1))
    right = b.weight(whole(0.01, 48, 32))
    made = b.op(top.MatMulOp, x, right, b.weight(whole(0.1, 48)), right_transpose=TRUE, do_relu=FALSE)
    return calibrated(b.network(made), ROWS.reshape(dims))


def calibrated(network: Network, x: Array) -> Network:
    calibrate(network, reference(network, {"x": x}), {})
    return network


def decibels(network: Network, x: Array, qtable: dict[str, str]) -> float:
    """Of the network's last tensor, lowered so, against float."""
    exact = reference(network, {"x": x})
    last = list(exact)[-1]
    lower(network, "mix", qtable)
    error = results(network, {"x": x}).real(last) - exact[last]
    return float(10 * np.log10((exact[last] ** 2).sum() / (error**2).sum()))


@pytest.mark.parametrize("group", [1, 16])
def test_convolutions_of_sixteen_bits_are_far_closer_to_float_than_of_eight(group: int) -> None:
    wide = decibels(convolutions(group), X, {"t1": "W8F16", "t2": "W8F16"})
    assert wide > 60 > 50 > decibels(convolutions(group), X, {})


@pytest.mark.parametrize("dims", [(1, 64, 32), (64, 32), (2, 32, 32)])
def test_products_of_sixteen_bits_are_far_closer_to_float_than_of_eight(dims: tuple[int, ...]) -> None:
    assert decibels(products(dims), ROWS.reshape(dims), {"t1": "W8F16"}) > 60
    assert decibels(products(dims), ROWS.reshape(dims), {}) < 50


def test_what_is_stored_in_eight_bits_is_multiplied_once_and_stays_float() -> None:
    b = Builder()
    x = b.op(top.ReluOp, b.input("x", 1, 64, 32))
    made = b.op(top.MatMulOp, x, b.weight(whole(0.01, 48, 32)), b.none(), right_transpose=TRUE, do_relu=FALSE)
    network = calibrated(b.network(made), ROWS)
    lower(network, "mix", {"t0": "INT8", "t1": "W8F16"})
    assert sum(isinstance(op, BatchMatMulOp) for op in network.ops) == 1
    kinds = {name_of(op): str(tensor(op.output).element_type) for op in network.ops if isinstance(op, TpuOp)}
    assert kinds["t0"].startswith("!quant")
    assert kinds["t1"] == "f32"


def test_what_float_ops_alone_read_is_not_requantised() -> None:
    """An op in int8 before one in float gives its sums; so does what is between them."""
    network = convolutions()
    lower(network, "mix", {"t2": "F32"})
    kinds = {name_of(op): str(tensor(op.output).element_type) for op in network.ops if isinstance(op, TpuOp)}
    assert kinds["t0_int8"].startswith("!quant")
    assert kinds["t1_sums"] == "i32"
    assert kinds["t1"] == "f32"


@pytest.mark.parametrize(("make", "x"), [(convolutions, X), (lambda: products((1, 64, 32)), ROWS)])
def test_the_chip_makes_the_same_bits(make: Callable[[], Network], x: Array, tmp_path: Path) -> None:
    network = make()
    lower(network, "mix", {"t1": "W8F16", "t2": "W8F16"} if x is X else {"t1": "W8F16"})
    wanted = results(network, {"x": x}).arrays
    files.save(network, tmp_path, "tpu")
    made = dict.fromkeys(("tpu_mlir", "lg_mlir", "addr_mlir"), tmp_path)
    for stage in (lg_mlir, addr_mlir, sample_model):
        stage.run(made, {"chip": "e8", "effort": 1, "seed": 3}, tmp_path)
    for name, array in PyRuntime(tmp_path / sample_model.FILE).dump({"x": x}).items():
        np.testing.assert_array_equal(array.view(np.uint8), wanted[name].view(np.uint8), err_msg=name)
