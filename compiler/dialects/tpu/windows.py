"""Windows that make more than they read: transposed convolution, resampling."""

from __future__ import annotations

from xdsl.dialects.builtin import NoneType, StringAttr
from xdsl.irdl import attr_def, irdl_op_definition, operand_def, opt_attr_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.access import SAME, Access, C, Follows, K, N, Whole
from compiler.dialects.fields import AnyTensor, Int, Ints, TensorOrNone, integer, ints, numbers
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.contraction import Contraction
from compiler.dialects.transposed import Axis, Transposed
from compiler.ir.network import Shape, shape


@irdl_op_definition
class DeconvOp(Contraction):
    """
    2-D transposed convolution, dense (`group` 1) or depthwise (`group` = channels in and out).

    `input` (n, ic, h, w), `filter` (1, oc, ic / group, kh·kw) → (n, oc, oh, ow), of which the result says how many
    rows and columns; `pads` are what is cut off above and left. The filter's taps lie phase after phase, each phase's
    in the order of its sum (`Transposed`). Dense steps of the reduction are input channels.
    """

    name = "tpu.Deconv"
    input = operand_def(AnyTensor)
    filter = operand_def(AnyTensor)
    params = operand_def(TensorOrNone)
    kernel_shape = attr_def(Ints)
    strides = attr_def(Ints)
    pads = attr_def(Ints, default_value=ints(0, 0))
    dilations = attr_def(Ints, default_value=ints(1, 1))
    group = attr_def(Int, default_value=integer(1))

    @property
    def window(self) -> Transposed:
        """The window that the attributes state."""
        given = zip(*map(numbers, (self.kernel_shape, self.strides, self.pads, self.dilations)), strict=True)
        rows, columns = (Axis(*axis) for axis in given)
        return Transposed(rows, columns)

    @property
    def depthwise(self) -> bool:
        """Whether each channel is spread by itself."""
        return self.group.value.data > 1

    def infer_shape(self) -> Shape:
        return (shape(self.input)[0], shape(self.filter)[1], *shape(self.output)[2:])

    def reduction(self) -> int:
        return shape(self.filter)[2]

    def reads(self) -> tuple[Access, ...]:
        channel = Follows(C) if self.depthwise else Follows(K)
        params: Access = () if isinstance(self.params.type, NoneType) else (Whole(), Follows(C), Whole(), Whole())
        return (
            (Follows(N), channel, *self.window.reads()),
            (Whole(), Follows(C), Follows(K), Whole()),
            params,
        )

    def verify_(self) -> None:
        one, oc, depth, taps = shape(self.filter)
        (kh, kw), (_, ic, *dims) = numbers(self.kernel_shape), shape(self.input)
        group, window = self.group.value.data, self.window
        if (one, taps) != (1, kh * kw) or depth * group != ic:
            raise VerifyException(f"the filter {shape(self.filter)} isn't (1, oc, {ic} / {group}, {kh}·{kw})")
        if group not in (1, ic) or (group > 1 and oc != ic):
            raise VerifyException(f"{group} groups of {ic} channels to {oc}: the chip has dense and depthwise only")
        for axis, made, extent in zip((window.rows, window.columns), shape(self.output)[2:], dims, strict=True):
            if not axis.is_plain:
                raise VerifyException("a kernel shorter than its stride, or a dilation that shares a factor with it")
            if any(axis.overhang(made, extent)):
                raise VerifyException("a result whose window meets no input; pad the input with zeros")
        super().verify_()


@irdl_op_definition
class ResampleOp(TpuOp):
    """
    Index o of `axis` (2 or 3) of (n, c, h, w), made of the input's from a `start` on: `function` `pick` or `sum`.

    `pick` takes that one index. `sum` adds `weight[t] · input[start + t]`, t in order, from +0.0; a tap of weight 0 is
    skipped. The sums of an 8-bit input are of `x - zero point`, in int32; a result of i32 is the sums, an 8-bit one
    requantises them by `multiplier` and `rshift`. `table` i32 has start and weights of each o, the weights of a float
    input as the bits of an f32: (1, 1, oh, 1 + taps) along rows, (1, 1, 1 + taps, ow) along columns.

    `reach` (scale, first, last, divisor): indices of the input that hold those that a part of the result is made of, in
    the terms of `Follows`.
    """

    name = "tpu.Resample"
    input = operand_def(AnyTensor)
    table = operand_def(AnyTensor)
    function = attr_def(StringAttr)
    axis = attr_def(Int)
    reach = attr_def(Ints)
    multiplier = opt_attr_def(Int)
    rshift = opt_attr_def(Int)

    @property
    def along(self) -> int:
        """The axis as a number."""
        return self.axis.value.data

    @property
    def taps(self) -> int:
        """Indices of the input that a result is made of."""
        return max(shape(self.table)[5 - self.along] - 1, 1)

    def infer_shape(self) -> Shape:
        axis = self.along
        return tuple(shape(self.table)[axis] if i == axis else n for i, n in enumerate(shape(self.input)))

    def reads(self) -> tuple[Access, ...]:
        axis = self.along
        pixels: Access = (*SAME[:axis], Follows(axis, *numbers(self.reach)), *SAME[axis + 1 :])
        return pixels, tuple(Follows(axis) if i == axis else Whole() for i in range(4))

    def verify_(self) -> None:
        if self.along not in (2, 3) or len(shape(self.input)) != 4:
            raise VerifyException("resamples axis 2 or 3 of a rank-4 tensor; reshape to it first")
        if self.function.data not in ("pick", "sum"):
            raise VerifyException(f"function is pick or sum, not {self.function.data!r}")
        if (self.function.data == "pick") != (shape(self.table)[5 - self.along] == 1):
            raise VerifyException("a sum has weights, a pick has none")
        super().verify_()
