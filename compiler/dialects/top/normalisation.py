"""Ops that scale by statistics, known ones or their operand's own."""

from __future__ import annotations

from xdsl.dialects.builtin import BoolAttr, FloatAttr, f64
from xdsl.irdl import attr_def, irdl_op_definition, operand_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import FALSE, Float
from compiler.dialects.top.base import Activated, AnyRank, AnyRankOrNone, Axis, TopOp, axis_attribute
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
