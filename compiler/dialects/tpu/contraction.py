"""Ops of the multiply-accumulate cube."""

from __future__ import annotations

from abc import ABC

from xdsl.dialects.builtin import NoneType
from xdsl.irdl import attr_def, irdl_op_definition, operand_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.access import Access, C, Follows, K, N, Whole
from compiler.dialects.fields import AnyTensor, Int, TensorOrNone, Windowed, integer, numbers
from compiler.dialects.tpu.base import Activated
from compiler.ir.network import Shape, shape


class Contraction(Activated, ABC):
    """
    Sums of products, then bias, then for int8 `requantise`, then the clamp, then rounding to the result's type.

    `params` is f32 (1, oc, 1, 1), the bias; or i32 (1, oc, 1, 3): bias, multiplier, shift of each output channel
    (numerics.md §2); or absent (float only). An i32 result of 8-bit operands is the sum and the bias themselves.
    """

    params = operand_def(TensorOrNone)

    def _params_read(self) -> Access:
        return () if isinstance(self.params.type, NoneType) else (Whole(), Follows(C), Whole(), Whole())


@irdl_op_definition
class ConvOp(Windowed, Contraction):
    """
    2-D convolution, dense (`group` 1) or depthwise (`group` = channels in and out).

    `input` (n, ic, h, w), `filter` (1, oc, ic / group, kh·kw) → (n, oc, oh, ow). Dense steps of the reduction are
    input channels.
    """

    name = "tpu.Conv"
    input = operand_def(AnyTensor)
    filter = operand_def(AnyTensor)
    params = operand_def(TensorOrNone)
    group = attr_def(Int, default_value=integer(1))

    @property
    def depthwise(self) -> bool:
        """Whether each channel is convolved by itself."""
        return self.group.value.data > 1

    def infer_shape(self) -> Shape:
        n, _, h, w = shape(self.input)
        return (n, shape(self.filter)[1], *self.window.output((h, w)))

    def reduction(self) -> int:
        return shape(self.filter)[2]

    def reads(self) -> tuple[Access, ...]:
        channel = Follows(C) if self.depthwise else Follows(K)
        pixels: Access = (Follows(N), channel, *self.window.reads())
        return pixels, (Whole(), Follows(C), Follows(K), Whole()), self._params_read()

    def verify_(self) -> None:
        self.verify_window()
        one, oc, depth, taps = shape(self.filter)
        kh, kw = numbers(self.kernel_shape)
        ic, group = shape(self.input)[1], self.group.value.data
        if (one, taps) != (1, kh * kw) or depth * group != ic:
            raise VerifyException(f"the filter {shape(self.filter)} isn't (1, oc, {ic} / {group}, {kh}·{kw})")
        if group not in (1, ic) or (group > 1 and oc != ic):
            raise VerifyException(f"{group} groups of {ic} channels to {oc}: the chip has dense and depthwise only")
        super().verify_()


@irdl_op_definition
class MatMulOp(Contraction):
    """`input` (m, k) by `right` (1, n, k, 1) → (m, n). Steps of the reduction are columns of `input`."""

    name = "tpu.MatMul"
    input = operand_def(AnyTensor)
    right = operand_def(AnyTensor)
    params = operand_def(TensorOrNone)

    def infer_shape(self) -> Shape:
        m, k = shape(self.input)
        _, n, depth, _ = shape(self.right)
        if k != depth:
            raise VerifyException(f"{k} columns meet {depth} rows")
        return m, n

    def reduction(self) -> int:
        return shape(self.input)[1]

    def reads(self) -> tuple[Access, ...]:
        rows: Access = (Follows(N), Follows(K), Whole(), Whole())
        return rows, (Whole(), Follows(C), Follows(K), Whole()), self._params_read()
