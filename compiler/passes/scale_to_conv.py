"""`scale-to-conv`: a BatchNorm or Scale that found no Conv to join becomes a depthwise one of 1×1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from xdsl.ir import Attribute
from xdsl.pattern_rewriter import PatternRewriter, op_type_rewrite_pattern

from compiler.dialects.fields import integer, ints
from compiler.dialects.top import ops as top
from compiler.ir.network import Network, name_of, shape
from compiler.passes.affine import affine
from compiler.passes.network_pass import NetworkPass, NetworkPattern, apply, replace


@dataclass
class ScaleToConv(NetworkPattern):
    """`x · scale + bias` along the channels of (n, c, h, w)."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.BatchNormOp | top.ScaleOp, rewriter: PatternRewriter) -> None:
        found = affine(op, 1, self.constant)
        if found is None or len(dims := shape(op.input)) != 4:
            return
        name, channels = name_of(op), dims[1]
        filters = np.broadcast_to(found.scale, channels).reshape(channels, 1, 1, 1)
        attributes: dict[str, Attribute] = {
            "kernel_shape": ints(1, 1),
            "group": integer(channels),
            "do_relu": op.do_relu,
            "relu_limit": op.relu_limit,
        }
        operands = [
            op.input,
            self.add_weight(rewriter, f"{name}_filter", filters),
            self.add_weight(rewriter, f"{name}_bias", np.broadcast_to(found.bias, channels)),
        ]
        replace(rewriter, op, top.ConvOp(operands=operands, result_types=[op.output.type], attributes=attributes))


@dataclass(frozen=True)
class ScaleToConvPass(NetworkPass):
    """So that later stages meet neither op on an image."""

    name: ClassVar[str] = "scale-to-conv"

    def rewrite(self, network: Network) -> None:
        apply(network, ScaleToConv(network))
