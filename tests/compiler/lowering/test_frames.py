"""Regions in few lanes move to a frame that fills them: same bits, and no more than the moves they cost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from xdsl.dialects.builtin import FloatAttr, StringAttr, f64
from xdsl.ir import SSAValue

from compiler.dialects.fields import FALSE, ints
from compiler.dialects.top import ops as top
from compiler.dialects.tpu.base import TpuOp, frame_of
from compiler.dialects.tpu.movement import PermuteOp, ReshapeOp
from compiler.interpreter.results import results
from compiler.ir.network import Array, Network, shape
from compiler.lowering import walk
from compiler.lowering.region import in_few_lanes
from tests.compiler.lowering.networks import Builder, calibrate, reference

Maker = Callable[[Builder], SSAValue]


def drawn(*dims: int) -> Array:
    return np.random.default_rng(11).normal(0, 1, dims)


def distances(b: Builder) -> SSAValue:
    """Means of distributions over 16 bins, as detectors have them: lanes are the four sides, then one."""
    bins = b.op(top.ReshapeOp, b.input("x", 1, 64, 8400), shape=ints(1, 4, 16, 8400))
    turned = b.op(top.PermuteOp, bins, order=ints(0, 2, 1, 3))
    likely = b.op(top.SoftmaxOp, turned, axis=top.axis_attribute(1))
    weighted = b.op(top.MulOp, [likely, b.weight(np.arange(16).reshape(1, 16, 1, 1))])
    return b.op(top.ReduceOp, weighted, axes=ints(1), mode=StringAttr("ReduceSum"), keepdims=FALSE)


def likelihoods(b: Builder) -> SSAValue:
    """A softmax over channels, which leaves the region as a whole."""
    return b.op(top.SoftmaxOp, b.input("x", 1, 6, 1920), axis=top.axis_attribute(1))


def heat(b: Builder) -> SSAValue:
    """A logistic map of one channel, beside a convolution that reads it too."""
    x = b.op(top.SigmoidOp, b.input("x", 1, 1, 64, 96))
    return b.op(top.ConvOp, x, b.weight(drawn(1, 1, 1, 1)), b.none(), kernel_shape=ints(1, 1))


def spread(b: Builder) -> SSAValue:
    """Differences from the maxima of channels, times one number a pixel and one a channel."""
    x = b.input("x", 1, 3, 40, 48)
    most = b.op(top.ReduceOp, x, axes=ints(1), mode=StringAttr("ReduceMax"))
    apart = b.op(top.ExpOp, b.op(top.SubOp, [x, most]))
    by = b.op(top.MulOp, [apart, b.weight(drawn(40, 48))])
    return b.op(top.MulOp, [by, b.weight(drawn(3, 1, 1))])


def lowered(make: Maker, mode: str, monkeypatch: pytest.MonkeyPatch, moved: bool) -> tuple[Network, dict[str, Array]]:
    b = Builder()
    network = b.network(make(b))
    fed = {"x": np.random.default_rng(3).normal(0, 2, shape(network.main.body.block.args[0])).astype(np.float32)}
    if mode == "int8":
        calibrate(network, reference(network, fed), {})
    with monkeypatch.context() as patch:
        if not moved:
            patch.setattr(walk, "fill_lanes", _nothing)
        walk.lower(network, mode)
    return network, results(network, fed).arrays


def _nothing(network: Network) -> None:
    pass


def _folds(op: TpuOp) -> list[str]:
    return [name.data for name in op.folds or ()]


MAKERS = (distances, likelihoods, heat, spread)


@pytest.mark.parametrize("mode", ["f32", "int8", "bf16"])
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_no_bit_changes(make: Maker, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, before = lowered(make, mode, monkeypatch, moved=False)
    network, after = lowered(make, mode, monkeypatch, moved=True)
    common = before.keys() & after.keys()
    assert list(after)[-1] in common
    assert all(np.array_equal(before[name], after[name]) for name in common)
    folded = {name for op in network.ops if isinstance(op, TpuOp) for name in _folds(op)}
    assert folded.isdisjoint(after)
    assert {name for name in before if "_" not in name} <= after.keys() | folded


@pytest.mark.parametrize("mode", ["f32", "int8"])
def test_bins_fill_the_lanes_with_one_turn(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network, _ = lowered(distances, mode, monkeypatch, moved=True)
    ops = [op for op in network.ops if isinstance(op, TpuOp)]
    assert sum(isinstance(op, PermuteOp) for op in ops) == 1
    computing = [op for op in ops if not isinstance(op, PermuteOp | ReshapeOp)]
    assert min(frame_of(op.output)[1] for op in computing) >= 60
    assert not any(map(in_few_lanes, computing))


def test_what_a_move_would_not_pay_for_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def activated(b: Builder) -> SSAValue:
        w = b.weight(drawn(8, 8, 1, 1))
        x = b.op(top.ConvOp, b.input("x", 1, 8, 40, 40), w, b.none(), kernel_shape=ints(1, 1))
        return b.op(top.ConvOp, b.op(top.ExpOp, x), w, b.none(), kernel_shape=ints(1, 1))

    network, _ = lowered(activated, "int8", monkeypatch, moved=True)
    assert not any(isinstance(op, ReshapeOp | PermuteOp) for op in network.ops)


def test_a_vector_is_no_row_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """An axis alone is that of the images: an op on it is in one lane."""
    one = {"const_val": FloatAttr(1.0, f64)}
    network, made = lowered(lambda b: b.op(top.AddConstOp, b.input("x", 4096), **one), "f32", monkeypatch, moved=True)
    assert max(frame_of(op.output)[1] for op in network.ops if isinstance(op, TpuOp)) >= 64
    assert np.array_equal(made["t0"], made["x"] + np.float32(1))
