"""Passes that make new weights make the right ones: results before and after, by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import FloatAttr, f64
from xdsl.ir import SSAValue

from compiler import opt
from compiler.dialects.fields import TRUE, integer, ints
from compiler.dialects.top import ops as top
from compiler.ir.network import Network
from tests.compiler.lowering.networks import Builder, reference

RNG = np.random.default_rng(5)
IMAGE = RNG.normal(0, 1, (1, 2, 4, 5)).astype(np.float32)
ROWS = RNG.normal(0, 1, (2, 3)).astype(np.float32)

Layer = Callable[[Builder, SSAValue], SSAValue]
Array = NDArray[np.float32]


def drawn(*dims: int) -> Array:
    """Away from zero, since some layers divide by it."""
    return RNG.uniform(0.5, 2, dims).astype(np.float32)


def real(value: float) -> FloatAttr:
    return FloatAttr(value, f64)


def assert_fused(network: Network, fed: dict[str, Array], pipeline: str, left: list[str]) -> None:
    """The pipeline leaves ops of these names, whose last gives the same result as before."""
    before = list(reference(network, fed).values())[-1]
    opt.run(network, opt.passes(pipeline))
    assert [op.name for op in network.ops if isinstance(op, top.TopOp)] == left
    np.testing.assert_allclose(list(reference(network, fed).values())[-1], before, rtol=1e-5, atol=1e-5)


def with_weight(kind: type[top.Nary], weight: Array, left: bool = False) -> Layer:
    """An op of the value before and a weight, on its left or right."""

    def layer(b: Builder, x: SSAValue) -> SSAValue:
        w = b.weight(weight)
        return b.op(kind, [w, x] if left else [x, w], do_relu=TRUE)

    return layer


def normalised(kind: type[top.BatchNormOp | top.ScaleOp], count: int, *, absent: bool = False) -> Layer:
    """BatchNorm or Scale of three channels with `count` weights, the last two absent on request."""

    def layer(b: Builder, x: SSAValue) -> SSAValue:
        given = [b.weight(drawn(3)) for _ in range(count - 2 * absent)]
        return b.op(kind, x, *given, *(b.none() for _ in range(2 * absent)))

    return layer


AFFINE: dict[str, Layer] = {
    "add": with_weight(top.AddOp, drawn(3, 1, 1)),
    "add to": with_weight(top.AddOp, drawn(1, 3, 1, 1), left=True),
    "sub": with_weight(top.SubOp, drawn(3, 1, 1)),
    "sub from": with_weight(top.SubOp, drawn(3, 1, 1), left=True),
    "mul": with_weight(top.MulOp, drawn(3, 1, 1)),
    "div": with_weight(top.DivOp, drawn(3, 1, 1)),
    "batch norm": normalised(top.BatchNormOp, 4),
    "batch norm alone": normalised(top.BatchNormOp, 4, absent=True),
    "scale": normalised(top.ScaleOp, 2),
    "add number": lambda b, x: b.op(top.AddConstOp, x, const_val=real(1.5)),
    "sub number": lambda b, x: b.op(top.SubConstOp, x, const_val=real(1.5)),
    "sub from number": lambda b, x: b.op(top.SubConstOp, x, const_val=real(1.5), is_reverse=TRUE),
    "mul number": lambda b, x: b.op(top.MulConstOp, x, const_val=real(-1.5)),
    "div number": lambda b, x: b.op(top.DivConstOp, x, const_val=real(1.5)),
}


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("layer", AFFINE.values(), ids=AFFINE)
def test_an_affine_layer_goes_into_a_convolution(layer: Layer, biased: bool) -> None:
    b = Builder()
    x, w = b.input("x", *IMAGE.shape), b.weight(RNG.normal(0, 1, (3, 2, 3, 3)).astype(np.float32))
    bias = b.weight(drawn(3)) if biased else b.none()
    result = layer(b, b.op(top.ConvOp, x, w, bias, kernel_shape=ints(3, 3), pads=ints(1, 1, 1, 1)))
    assert_fused(b.network(result), {"x": IMAGE}, "fuse-affine,dead-code", ["top.Conv"])


@pytest.mark.parametrize(("group", "dims"), [(1, (2, 3, 2, 3)), (2, (2, 3, 3, 2))])
def test_a_normalisation_goes_into_a_transposed_convolution(group: int, dims: tuple[int, ...]) -> None:
    b = Builder()
    window = {"kernel_shape": ints(*dims[2:]), "strides": ints(2, 2), "group": integer(group)}
    x = b.op(top.DeconvOp, b.input("x", *IMAGE.shape), b.weight(drawn(*dims)), b.none(), **window)
    result = b.op(top.BatchNormOp, x, *(b.weight(drawn(3 * group)) for _ in range(4)), do_relu=TRUE)
    assert_fused(b.network(result), {"x": IMAGE}, "fuse-affine,dead-code", ["top.Deconv"])


UNFUSED: dict[str, Layer] = {
    "quotient of a weight": with_weight(top.DivOp, drawn(3, 1, 1), left=True),
    "one number a column": with_weight(top.MulOp, drawn(1, 5)),
    "quotient of a number": lambda b, x: b.op(top.DivConstOp, x, const_val=real(1.5), is_reverse=TRUE),
    "two convolutions": lambda b, x: b.op(top.AddOp, [x, x]),
}


@pytest.mark.parametrize("layer", UNFUSED.values(), ids=UNFUSED)
def test_other_layers_stay(layer: Layer) -> None:
    b = Builder()
    x, w = b.input("x", *IMAGE.shape), b.weight(drawn(3, 2, 1, 1))
    result = layer(b, b.op(top.ConvOp, x, w, b.weight(drawn(3)), kernel_shape=ints(1, 1)))
    network = b.network(result)
    before = [op.name for op in network.ops]
    opt.run(network, opt.passes("fuse-affine"))
    assert [op.name for op in network.ops] == before


@pytest.mark.parametrize("transposed", [True, False])
@pytest.mark.parametrize("kind", [top.AddOp, top.MulOp])
def test_a_column_of_weights_goes_into_a_matmul(kind: type[top.Nary], transposed: bool) -> None:
    b = Builder()
    right = b.weight(drawn(4, 3) if transposed else drawn(3, 4))
    flag = {"right_transpose": TRUE} if transposed else {}
    product = b.op(top.MatMulOp, b.input("x", *ROWS.shape), right, b.weight(drawn(4)), **flag)
    result = with_weight(kind, drawn(4))(b, product)
    assert_fused(b.network(result), {"x": ROWS}, "fuse-affine,dead-code", ["top.MatMul"])


@pytest.mark.parametrize("layer", [AFFINE["batch norm"], AFFINE["scale"]])
def test_a_lone_normalisation_becomes_a_convolution(layer: Layer) -> None:
    b = Builder()
    image = np.concatenate([IMAGE, IMAGE[:, :1]], axis=1)
    result = layer(b, b.input("x", *image.shape))
    assert_fused(b.network(result), {"x": image}, "scale-to-conv,dead-code", ["top.Conv"])


CONSTANT: dict[str, Layer] = {
    "relu": lambda b, w: b.op(top.SubConstOp, w, const_val=real(1.0), do_relu=TRUE),
    "broadcast": lambda b, w: b.op(top.MulOp, [w, b.weight(drawn(3))]),
    "view": lambda b, w: b.op(top.ReshapeOp, w, shape=ints(3, 2)),
    "permute": lambda b, w: b.op(top.PermuteOp, w, order=ints(1, 0)),
    "slice": lambda b, w: b.op(top.SliceOp, w, offset=ints(0, 1), ends=ints(2, 3), steps=ints(1, 2)),
    "concat": lambda b, w: b.op(top.ConcatOp, [w, w], axis=top.axis_attribute(1)),
    "pad": lambda b, w: b.op(top.PadOp, w, paddings=ints(0, 1, 2, 0), val=real(0.5)),
}


@pytest.mark.parametrize("layer", CONSTANT.values(), ids=CONSTANT)
def test_a_layer_of_weights_becomes_a_weight(layer: Layer) -> None:
    b = Builder()
    x = b.input("x", 1)
    result = b.op(top.AddOp, [x, layer(b, b.weight(drawn(2, 3)))])
    assert_fused(b.network(result), {"x": ROWS[0, :1]}, "constant-fold,dead-code", ["top.Add"])
