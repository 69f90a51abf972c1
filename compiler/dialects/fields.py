"""Kinds of operand and attribute that the dialects share, and the window of convolution and pooling."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from types import ModuleType

from xdsl.dialects.builtin import I64, ArrayAttr, BoolAttr, FloatAttr, IntegerAttr, NoneType, TensorType, f64, i64
from xdsl.ir import Operation
from xdsl.irdl import BaseAttr, IRDLOperation, attr_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.access import Access, Follows

AnyTensor = BaseAttr(TensorType)
TensorOrNone = BaseAttr(TensorType) | BaseAttr(NoneType)
Int = IntegerAttr[I64]
Ints = ArrayAttr[IntegerAttr[I64]]
Float = FloatAttr
FALSE: BoolAttr = IntegerAttr.from_bool(False)
TRUE: BoolAttr = IntegerAttr.from_bool(True)
NO_LIMIT = FloatAttr(-1.0, f64)
"""`relu_limit` of a Relu without an upper bound, as TPU-MLIR spells it."""


def integer(value: int) -> Int:
    """`3 : i64` as an attribute."""
    return IntegerAttr(value, i64)


def ints(*values: int) -> Ints:
    """`[1, 2]` as an attribute of 64-bit integers."""
    return ArrayAttr([IntegerAttr(v, i64) for v in values])


def numbers(attribute: Ints) -> tuple[int, ...]:
    """The integers of an attribute."""
    return tuple(v.value.data for v in attribute)


@dataclass(frozen=True)
class Window:
    """A sliding window over the last two axes of (n, c, h, w). `pads` is top, left, bottom, right, in pixels."""

    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    dilations: tuple[int, int] = (1, 1)

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns from the first to the last tap, both included: `dilation · (kernel - 1) + 1`."""
        return (
            self.dilations[0] * (self.kernel[0] - 1) + 1,
            self.dilations[1] * (self.kernel[1] - 1) + 1,
        )

    def output(self, extents: tuple[int, int]) -> tuple[int, int]:
        """(oh, ow) from (h, w): `(size + before + after - reach) // stride + 1`, ONNX Conv."""
        top, left, bottom, right = self.pads
        h, w = extents
        return (
            (h + top + bottom - self.reach[0]) // self.strides[0] + 1,
            (w + left + right - self.reach[1]) // self.strides[1] + 1,
        )

    def reads(self) -> Access:
        """The rows and columns under the windows of an output slice: output axes 2 and 3."""
        return tuple(Follows(2 + i, self.strides[i], -self.pads[i], self.reach[i] - 1 - self.pads[i]) for i in range(2))


class Windowed(IRDLOperation, ABC):
    """An op with a 2-D window, its attributes named as ONNX names them."""

    kernel_shape = attr_def(Ints)
    strides = attr_def(Ints, default_value=ints(1, 1))
    pads = attr_def(Ints, default_value=ints(0, 0, 0, 0))
    dilations = attr_def(Ints, default_value=ints(1, 1))

    @property
    def window(self) -> Window:
        """The window that the attributes state."""
        kh, kw = numbers(self.kernel_shape)
        sh, sw = numbers(self.strides)
        top, left, bottom, right = numbers(self.pads)
        dh, dw = numbers(self.dilations)
        return Window((kh, kw), (sh, sw), (top, left, bottom, right), (dh, dw))

    def verify_window(self) -> None:
        """Raises VerifyException unless there are 2 kernel extents, strides, dilations and 4 pads, of fitting sign."""
        if (len(self.kernel_shape), len(self.strides), len(self.dilations), len(self.pads)) != (2, 2, 2, 4):
            raise VerifyException("a 2-D window has two kernel extents, two strides, two dilations and four pads")
        if min(*numbers(self.kernel_shape), *numbers(self.strides), *numbers(self.dilations)) < 1:
            raise VerifyException("kernel extents, strides and dilations are positive")
        if min(numbers(self.pads)) < 0:
            raise VerifyException("pads aren't negative")


def ops_of(*families: ModuleType) -> list[type[Operation]]:
    """The op classes written in these modules, in order: how a dialect finds its members."""
    return [
        kind
        for family in families
        for kind in vars(family).values()
        if isinstance(kind, type)
        and issubclass(kind, Operation)
        and kind.__module__ == family.__name__
        and "name" in vars(kind)
    ]
