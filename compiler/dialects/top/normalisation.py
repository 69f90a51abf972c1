"""Ops that scale by statistics, known ones or their operand's own."""

from __future__ import annotations

from abc import ABC

from xdsl.dialects.builtin import BoolAttr, FloatAttr, f64
from xdsl.irdl import attr_def, irdl_op_definition, operand_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import FALSE, Float, Int
from compiler.dialects.top.base import Activated, AnyRank, AnyRankOrNone, Axis, TopOp, axis_attribute, is_ranked
from compiler.ir.network import Shape, shape, size


@irdl_op_definition
class BatchNormOp(Activated):
    """
    `(x - mean) / √(variance + epsilon) · gamma + beta`, each of the four (c), over `input` (n, c, …).

    An absent gamma is 1, an absent beta 0. ONNX BatchNormalization as a trained network uses it.
    """

    name = "top.BatchNorm"
    input = operand_def(AnyRank)
    mean = operand_def(AnyRank)
    variance = operand_def(AnyRank)
    gamma = operand_def(AnyRankOrNone)
    beta = operand_def(AnyRankOrNone)
    epsilon = attr_def(Float, default_value=FloatAttr(1e-5, f64))

    def infer_shape(self) -> Shape:
        return shape(self.input)

    def flops(self) -> int:
        return size(shape(self.output)) * (2 + bool(self.do_relu))


@irdl_op_definition
class ScaleOp(Activated):
    """`x · scale + bias`, each (c), over `input` (n, c, …)."""

    name = "top.Scale"
    input = operand_def(AnyRank)
    scale = operand_def(AnyRank)
    bias = operand_def(AnyRank)

    def infer_shape(self) -> Shape:
        return shape(self.input)

    def flops(self) -> int:
        return size(shape(self.output)) * (2 + bool(self.do_relu))


@irdl_op_definition
class SoftmaxOp(TopOp):
    """`e^(beta·(x - max)) / Σ e^(beta·(x - max))` along `axis`; its logarithm if `log`."""

    name = "top.Softmax"
    input = operand_def(AnyRank)
    axis = attr_def(Axis, default_value=axis_attribute(1))
    log = attr_def(BoolAttr, default_value=FALSE)
    beta = attr_def(Float, default_value=FloatAttr(1.0, f64))

    def settle(self) -> None:
        self.axis = axis_attribute(self.axis.value.data % len(shape(self.input)))

    def infer_shape(self) -> Shape:
        if not -len(dims := shape(self.input)) <= self.axis.value.data < len(dims):
            raise VerifyException(f"a tensor of extents {list(dims)} has no axis {self.axis.value.data}")
        return dims

    def flops(self) -> int:
        return 5 * size(shape(self.input))


class Normalisation(TopOp, ABC):
    """An op that divides by the spread of its own operand; `eps` is added to what the root is taken of."""

    input = operand_def(AnyRank)
    eps = attr_def(Float, default_value=FloatAttr(1e-5, f64))

    def infer_shape(self) -> Shape:
        return shape(self.input)

    def flops(self) -> int:
        return 6 * size(shape(self.input))


@irdl_op_definition
class LayerNormOp(Normalisation):
    """
    `(x - mean) / √(variance + eps) · weight + bias` over the axes from `axis` on; ONNX LayerNormalization.

    `weight` and `bias` broadcast to those axes; an absent weight is 1, an absent bias 0.
    """

    name = "top.LayerNorm"
    input = operand_def(AnyRank)
    weight = operand_def(AnyRankOrNone)
    bias = operand_def(AnyRankOrNone)
    axis = attr_def(Axis, default_value=axis_attribute(-1))

    def settle(self) -> None:
        self.axis = axis_attribute(self.axis.value.data % len(shape(self.input)))


@irdl_op_definition
class RMSNormOp(Normalisation):
    """`x / √(mean of x² + eps) · gamma` over the axes from `axis` on; ONNX RMSNormalization. An absent gamma is 1."""

    name = "top.RMSNorm"
    input = operand_def(AnyRank)
    gamma = operand_def(AnyRankOrNone)
    axis = attr_def(Axis, default_value=axis_attribute(-1))

    def settle(self) -> None:
        self.axis = axis_attribute(self.axis.value.data % len(shape(self.input)))


@irdl_op_definition
class GroupNormOp(Normalisation):
    """
    `(x - mean) / √(variance + eps) · weight + bias` over each of `num_groups` groups of channels of (n, c, …).

    `weight` and `bias` are (c). ONNX GroupNormalization, and InstanceNormalization with a group a channel.
    """

    name = "top.GroupNorm"
    input = operand_def(AnyRank)
    weight = operand_def(AnyRankOrNone)
    bias = operand_def(AnyRankOrNone)
    num_groups = attr_def(Int)

    def verify_(self) -> None:
        if is_ranked(self.input) and shape(self.input)[1] % (groups := self.num_groups.value.data):
            raise VerifyException(f"{shape(self.input)[1]} channels don't fall into {groups} groups")
        super().verify_()


@irdl_op_definition
class LRNOp(TopOp):
    """
    `x / (bias + alpha · mean of x²)^beta`, the mean over `size` channels around each; ONNX LRN.

    Channels beyond the ends count as zeros; of an even number of neighbours one more lies behind.
    """

    name = "top.LRN"
    input = operand_def(AnyRank)
    count = attr_def(Int, attr_name="size")
    alpha = attr_def(Float, default_value=FloatAttr(1e-4, f64))
    beta = attr_def(Float, default_value=FloatAttr(0.75, f64))
    bias = attr_def(Float, default_value=FloatAttr(1.0, f64))

    def infer_shape(self) -> Shape:
        return shape(self.input)

    def flops(self) -> int:
        return (self.count.value.data + 5) * size(shape(self.input))
