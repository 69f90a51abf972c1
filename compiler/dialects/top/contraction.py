"""Ops that multiply and sum over an axis."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import BoolAttr
from xdsl.irdl import attr_def, irdl_op_definition, operand_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import FALSE, Int, integer, numbers
from compiler.dialects.top.base import Activated, AnyRank, AnyRankOrNone, is_present, is_ranked
from compiler.dialects.top.window import Windowed
from compiler.ir.network import Shape, shape, size


@irdl_op_definition
class ConvOp(Windowed, Activated):
    """
    2-D convolution.

    `input` (n, ic, h, w), `filter` (oc, ic / group, kh, kw), `bias` (oc) or none → (n, oc, oh, ow); ONNX Conv.
    """

    name = "top.Conv"
    input = operand_def(AnyRank)
    filter = operand_def(AnyRank)
    bias = operand_def(AnyRankOrNone)
    group = attr_def(Int, default_value=integer(1))

    @property
    def groups(self) -> int:
        """How many parts the channels fall into, each convolved by itself."""
        return self.group.value.data

    def settle(self) -> None:
        self.settle_window(shape(self.input))

    def infer_shape(self) -> Shape:
        n, ic, h, w = shape(self.input)
        oc, depth, *_ = shape(self.filter)
        if ic != depth * self.groups or oc % self.groups:
            raise VerifyException(f"{self.groups} groups of a {shape(self.filter)} filter don't fit {ic} channels")
        return (n, oc, *self.window.output((h, w)))

    def macs(self) -> int:
        return size(shape(self.output)) * size(shape(self.filter)[1:])

    def flops(self) -> int:
        return 2 * self.macs() + size(shape(self.output)) * (is_present(self.bias) + bool(self.do_relu))

    def verify_(self) -> None:
        self.verify_window()
        if is_ranked(self.filter) and shape(self.filter)[2:] != numbers(self.kernel_shape):
            raise VerifyException(f"the filter is {shape(self.filter)[2:]}, the kernel {numbers(self.kernel_shape)}")
        super().verify_()


@irdl_op_definition
class MatMulOp(Activated):
    """
    `input` (…, m, k) by `right` (…, k, n), plus `bias` (n) or none → (…, m, n); ONNX MatMul and Gemm.

    `right_transpose`: `right` is given as (…, n, k). Leading axes broadcast.
    """

    name = "top.MatMul"
    input = operand_def(AnyRank)
    right = operand_def(AnyRank)
    bias = operand_def(AnyRankOrNone)
    right_transpose = attr_def(BoolAttr, default_value=FALSE)

    @property
    def depth(self) -> int:
        """Products in each sum."""
        return shape(self.input)[-1]

    def infer_shape(self) -> Shape:
        left, right = shape(self.input), shape(self.right)
        if len(left) < 2 or len(right) < 2:
            raise VerifyException(f"{left} by {right}: MatMul of a vector; reshape it to a matrix")
        k, n = right[:-3:-1] if self.right_transpose else right[-2:]
        if left[-1] != k:
            raise VerifyException(f"{left[-1]} columns meet {k} rows")
        try:
            return (*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], n)
        except ValueError:
            raise VerifyException(f"leading axes of {left} and {right} don't broadcast") from None

    def macs(self) -> int:
        return size(shape(self.output)) * self.depth

    def flops(self) -> int:
        return 2 * self.macs() + size(shape(self.output)) * (is_present(self.bias) + bool(self.do_relu))
