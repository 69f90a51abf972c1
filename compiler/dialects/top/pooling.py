"""Ops that reduce each window of a plane, or whole axes."""

from __future__ import annotations

from abc import ABC

from xdsl.dialects.builtin import BoolAttr, StringAttr
from xdsl.irdl import attr_def, irdl_op_definition, operand_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import FALSE, TRUE, Ints, ints, numbers
from compiler.dialects.top.base import Activated, AnyRank, OverIntegers, PassesValues, TopOp
from compiler.dialects.top.window import Windowed
from compiler.ir.network import Shape, shape, size


class Pool(Windowed, Activated, ABC):
    """
    One value for each window. `input` (n, c, h, w) → (n, c, oh, ow).

    An empty `kernel_shape` stands for the whole plane, until `settle` writes it out.
    """

    input = operand_def(AnyRank)
    count_include_pad = attr_def(BoolAttr, default_value=FALSE)

    def settle(self) -> None:
        if not self.kernel_shape.data:
            self.kernel_shape, self.strides, self.pads = ints(*shape(self.input)[2:]), ints(1, 1), ints(0, 0, 0, 0)
        self.settle_window(shape(self.input))

    @property
    def covers_plane(self) -> bool:
        """Whether there is one unpadded window a channel, of all its pixels."""
        return self.window.kernel == shape(self.input)[2:] and not any(self.window.pads)

    def infer_shape(self) -> Shape:
        n, c, h, w = shape(self.input)
        return (n, c, *self.window.output((h, w)))

    def flops(self) -> int:
        return size(shape(self.output)) * (size(numbers(self.kernel_shape)) + bool(self.do_relu))

    def verify_(self) -> None:
        if self.kernel_shape.data:
            self.verify_window()
        super().verify_()


@irdl_op_definition
class MaxPoolOp(Pool):
    """The largest value under each window; padding never wins; ONNX MaxPool, GlobalMaxPool."""

    name = "top.MaxPool"
    traits = traits_def(Pure(), PassesValues())


@irdl_op_definition
class AvgPoolOp(Pool):
    """The mean under each window, padding counted if `count_include_pad`; ONNX AveragePool, GlobalAveragePool."""

    name = "top.AvgPool"

    def settle(self) -> None:
        if self.ceil_mode and self.count_include_pad:
            raise VerifyException("ceil_mode with count_include_pad has windows of uneven weight; export without one")
        super().settle()


REDUCTIONS = ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd")
"""What a Reduce may do."""


@irdl_op_definition
class ReduceOp(TopOp):
    """
    `mode`, one of `REDUCTIONS`, over `axes`, which become 1, or go where not `keepdims`.

    Axes may be negative until `settle` has counted them from the start.
    """

    name = "top.Reduce"
    input = operand_def(AnyRank)
    axes = attr_def(Ints)
    keepdims = attr_def(BoolAttr, default_value=TRUE)
    mode = attr_def(StringAttr)
    traits = traits_def(Pure(), OverIntegers())

    def settle(self) -> None:
        rank = len(shape(self.input))
        axes = numbers(self.axes) or range(rank)
        self.axes = ints(*sorted(axis % rank for axis in axes))

    def infer_shape(self) -> Shape:
        dims, axes = shape(self.input), numbers(self.axes)
        if self.keepdims:
            return tuple(1 if i in axes else n for i, n in enumerate(dims))
        return tuple(n for i, n in enumerate(dims) if i not in axes)

    def flops(self) -> int:
        return size(shape(self.input))

    def verify_(self) -> None:
        if self.mode.data not in REDUCTIONS:
            raise VerifyException(f"mode is {', '.join(REDUCTIONS[:-1])} or {REDUCTIONS[-1]}, not {self.mode.data!r}")
        super().verify_()
