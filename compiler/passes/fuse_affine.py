"""`fuse-affine`: BatchNorm, Scale, a bias added, a factor: into the weights of the Conv, Deconv or MatMul before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from xdsl.pattern_rewriter import PatternRewriter, op_type_rewrite_pattern

from compiler.dialects.top import ops as top
from compiler.ir.network import Array, Network, name_of, shape
from compiler.passes.affine import Affine, affine
from compiler.passes.network_pass import NetworkPass, NetworkPattern, apply, only_producer, replace

Contraction = top.ConvOp | top.DeconvOp | top.MatMulOp


def _channel_axis(contraction: Contraction) -> int:
    """The axis of the result that a filter, or a column of `right`, makes one index of."""
    return len(shape(contraction.output)) - 1 if isinstance(contraction, top.MatMulOp) else 1


def _factor(contraction: Contraction, weight: Array, scale: Array) -> Array:
    """The weight with each output channel multiplied by its scale."""
    match contraction:
        case top.ConvOp():
            return weight * scale.reshape(-1, 1, 1, 1)
        case top.DeconvOp(groups=groups):
            inputs, outputs, *kernel = weight.shape
            by_group = weight.reshape(groups, inputs // groups, outputs, *kernel)
            return (by_group * scale.reshape(groups, 1, outputs, 1, 1)).reshape(weight.shape)
        case top.MatMulOp(right_transpose=transposed) if transposed:
            return weight * scale.reshape(-1, 1)
        case _:
            return weight * scale.reshape(1, -1)


@dataclass
class FuseAffine(NetworkPattern):
    """`(w·x + b)·s + t` is `(s·w)·x + (s·b + t)`, in float64 and then rounded."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.TopOp, rewriter: PatternRewriter) -> None:
        for value in op.operands:
            producer = only_producer(value)
            if not isinstance(producer, Contraction) or producer.do_relu:
                continue
            found = affine(op, _channel_axis(producer), self.constant)
            if found is not None and found.source == value and isinstance(op, top.Activated):
                self._fuse(op, producer, found, rewriter)
                return

    def _fuse(self, op: top.Activated, contraction: Contraction, by: Affine, rewriter: PatternRewriter) -> None:
        weight = self.constant(contraction.operands[1])
        bias = self.constant(contraction.bias) if top.is_present(contraction.bias) else np.zeros(1)
        if weight is None or bias is None or (isinstance(contraction, top.MatMulOp) and weight.ndim != 2):
            return
        name, channels = name_of(op), shape(contraction.output)[_channel_axis(contraction)]
        scale = np.broadcast_to(by.scale, channels)
        filters = contraction.operands[1]
        if np.any(scale != 1.0):
            filters = self.add_weight(
                rewriter, f"{name}_filter", _factor(contraction, weight.astype(np.float64), scale)
            )
        biases = self.add_weight(rewriter, f"{name}_bias", np.broadcast_to(bias * scale + by.bias, channels))
        attributes = contraction.attributes | {"do_relu": op.do_relu, "relu_limit": op.relu_limit}
        fused = type(contraction)(
            operands=[contraction.input, filters, biases], result_types=[op.output.type], attributes=attributes
        )
        replace(rewriter, op, fused)
        rewriter.erase(contraction)


@dataclass(frozen=True)
class FuseAffinePass(NetworkPass):
    """Only where nothing else reads the contraction's result. The fused op has the last op's name."""

    name: ClassVar[str] = "fuse-affine"

    def rewrite(self, network: Network) -> None:
        apply(network, FuseAffine(network))
