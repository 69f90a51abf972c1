"""Transposed convolution."""

from __future__ import annotations

from xdsl.irdl import attr_def, irdl_op_definition, operand_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import Int, Ints, integer, ints, numbers
from compiler.dialects.top.base import Activated, AnyRank, AnyRankOrNone, is_present, is_ranked
from compiler.dialects.transposed import Axis, Transposed
from compiler.ir.network import Shape, shape, size


@irdl_op_definition
class DeconvOp(Activated):
    """
    2-D transposed convolution: what a Conv of these attributes would take as its result, spread over its input.

    `input` (n, ic, h, w), `filter` (ic, oc / group, kh, kw), `bias` (oc) or none → (n, oc, oh, ow), with
    `oh = stride · (h - 1) + output_padding + dilation · (kh - 1) + 1 - pads`; ONNX ConvTranspose.
    """

    name = "top.Deconv"
    input = operand_def(AnyRank)
    filter = operand_def(AnyRank)
    bias = operand_def(AnyRankOrNone)
    kernel_shape = attr_def(Ints)
    strides = attr_def(Ints, default_value=ints(1, 1))
    pads = attr_def(Ints, default_value=ints(0, 0, 0, 0))
    dilations = attr_def(Ints, default_value=ints(1, 1))
    output_padding = attr_def(Ints, default_value=ints(0, 0))
    group = attr_def(Int, default_value=integer(1))

    @property
    def window(self) -> Transposed:
        """The window that the attributes state."""
        given = zip(*map(numbers, (self.kernel_shape, self.strides, self.pads, self.dilations)), strict=False)
        rows, columns = (Axis(*axis) for axis in given)
        return Transposed(rows, columns)

    @property
    def groups(self) -> int:
        """How many parts the channels fall into, each spread by itself."""
        return self.group.value.data

    def infer_shape(self) -> Shape:
        n, ic, *dims = shape(self.input)
        depth, outputs, *_ = shape(self.filter)
        if ic != depth or ic % self.groups:
            raise VerifyException(f"{self.groups} groups of a {shape(self.filter)} filter don't fit {ic} channels")
        pads, more, window = numbers(self.pads), numbers(self.output_padding), self.window
        made = tuple(
            axis.stride * (dims[i] - 1) + more[i] + axis.reach - pads[i] - pads[i + 2]
            for i, axis in enumerate((window.rows, window.columns))
        )
        if min(made) < 1:
            raise VerifyException(f"pads {list(pads)} leave nothing of {list(dims)}")
        return (n, outputs * self.groups, *made)

    def macs(self) -> int:
        return size(shape(self.input)) * size(shape(self.filter)[1:])

    def flops(self) -> int:
        return 2 * self.macs() + size(shape(self.output)) * (is_present(self.bias) + bool(self.do_relu))

    def verify_(self) -> None:
        fields = (self.kernel_shape, self.strides, self.dilations, self.output_padding)
        if [len(field) for field in (*fields, self.pads)] != [2, 2, 2, 2, 4]:
            raise VerifyException("two kernel extents, strides, dilations and output paddings, and four pads")
        if min(*numbers(self.kernel_shape), *numbers(self.strides), *numbers(self.dilations)) < 1:
            raise VerifyException("kernel extents, strides and dilations are positive")
        if min(*numbers(self.pads), *numbers(self.output_padding)) < 0:
            raise VerifyException("pads aren't negative; pad the result")
        if is_ranked(self.filter) and shape(self.filter)[2:] != numbers(self.kernel_shape):
            raise VerifyException(f"the filter is {shape(self.filter)[2:]}, the kernel {numbers(self.kernel_shape)}")
        super().verify_()
