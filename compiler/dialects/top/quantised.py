"""Rounding to the steps that a quantised model has for a tensor."""

from __future__ import annotations

from xdsl.irdl import attr_def, irdl_op_definition
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import Float, Int
from compiler.dialects.formula import Apply, Term, maximum, minimum
from compiler.dialects.top.elementwise import Unary


@irdl_op_definition
class FakeQuantOp(Unary):
    """
    `(saturate(round(x / scale) + zero_point) - zero_point) · scale`: what a tensor stored in steps is read back as.

    ONNX's QuantizeLinear and DequantizeLinear, one behind the other. Steps are integers from `minimum` to `maximum`.
    Where the tensor is stored in just these steps, the op does nothing.
    """

    name = "top.FakeQuant"
    scale = attr_def(Float)
    zero_point = attr_def(Int)
    minimum = attr_def(Int)
    maximum = attr_def(Int)

    @property
    def reach(self) -> tuple[int, int]:
        """The lowest and the highest step, counted from the zero point."""
        zero = self.zero_point.value.data
        return self.minimum.value.data - zero, self.maximum.value.data - zero

    @property
    def span(self) -> tuple[float, float]:
        """The real numbers that the lowest and the highest step stand for."""
        low, high = self.reach
        return low * self.scale.value.data, high * self.scale.value.data

    def formula(self, x: Term) -> Term:
        low, high = self.reach
        rounded = Apply("round", (x / self.scale.value.data,))
        return minimum(maximum(rounded, float(low)), float(high)) * self.scale.value.data

    def verify_(self) -> None:
        low, high = self.reach
        if not (self.scale.value.data > 0 and low <= 0 <= high):
            raise VerifyException(f"steps from {low} to {high} of {self.scale.value.data}")
        super().verify_()
