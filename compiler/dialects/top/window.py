"""The attributes of Top's 2-D windows, and how ONNX's shorthand for pads is written out."""

from __future__ import annotations

from abc import ABC

from xdsl.dialects.builtin import BoolAttr, StringAttr
from xdsl.irdl import attr_def, opt_attr_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import Ints, Window, ints, numbers
from compiler.dialects.top.base import TopOp
from compiler.ir.network import Shape


class Windowed(TopOp, ABC):
    """
    An op with a window over the last two axes of (n, c, h, w), its attributes named as ONNX names them.

    `auto_pad` and `ceil_mode` are shorthand: `settle_window` turns them into `pads`, and they go.
    """

    kernel_shape = attr_def(Ints)
    strides = attr_def(Ints, default_value=ints(1, 1))
    pads = attr_def(Ints, default_value=ints(0, 0, 0, 0))
    dilations = opt_attr_def(Ints)
    auto_pad = opt_attr_def(StringAttr)
    ceil_mode = opt_attr_def(BoolAttr)

    @property
    def spread(self) -> tuple[int, int]:
        """Dilations: rows and columns from one tap to the next; 1 where the op states none."""
        dh, dw = numbers(self.dilations) if self.dilations else (1, 1)
        return dh, dw

    @property
    def window(self) -> Window:
        """The window that the attributes state, shorthand left aside."""
        kh, kw = numbers(self.kernel_shape)
        sh, sw = numbers(self.strides)
        top, left, bottom, right = numbers(self.pads)
        return Window((kh, kw), (sh, sw), (top, left, bottom, right), self.spread)

    def settle_window(self, dims: Shape) -> None:
        """Make `pads` say what `auto_pad` and `ceil_mode` mean for an input of extents `dims` (n, c, h, w)."""
        self.verify_window()
        window = self.window
        match self.auto_pad.data if self.auto_pad else "NOTSET":
            case "NOTSET":
                top, left, bottom, right = window.pads
                before, after = (top, left), (bottom, right)
            case "VALID":
                before = after = (0, 0)
            case mode:
                total = [_same(dims[2 + i], window.strides[i], window.reach[i]) for i in range(2)]
                half = tuple(n // 2 for n in total)
                rest = tuple(n - n // 2 for n in total)
                before, after = (half, rest) if mode == "SAME_UPPER" else (rest, half)
        if self.ceil_mode:
            spare = [_ceil(dims[2 + i] + before[i] + after[i], before[i], dims[2 + i], window, i) for i in range(2)]
            after = tuple(n + more for n, more in zip(after, spare, strict=True))
        self.pads = ints(*before, *after)
        self.auto_pad = self.ceil_mode = None

    def verify_window(self) -> None:
        """Raises VerifyException unless there are 2 kernel extents, strides, dilations and 4 pads, of fitting sign."""
        if (len(self.kernel_shape), len(self.strides), len(self.pads)) != (2, 2, 4):
            raise VerifyException("a 2-D window has two kernel extents, two strides and four pads")
        if min(*numbers(self.kernel_shape), *numbers(self.strides), *self.spread) < 1:
            raise VerifyException("kernel extents, strides and dilations are positive")
        if min(numbers(self.pads)) < 0:
            raise VerifyException("pads aren't negative; crop with a Slice")
        if self.auto_pad and self.auto_pad.data not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
            raise VerifyException(f"auto_pad is NOTSET, VALID, SAME_UPPER or SAME_LOWER, not {self.auto_pad.data!r}")


def _same(extent: int, stride: int, reach: int) -> int:
    """Padding that makes `⌈extent / stride⌉` windows (ONNX, auto_pad SAME)."""
    return max(0, (-(-extent // stride) - 1) * stride + reach - extent)


def _ceil(padded: int, before: int, extent: int, window: Window, axis: int) -> int:
    """Rows to add below for the window that ONNX's ceil_mode adds, which has to begin inside the image or above."""
    stride, reach = window.strides[axis], window.reach[axis]
    steps = -(-(padded - reach) // stride)
    if steps * stride >= before + extent:
        steps -= 1
    return max(0, steps * stride + reach - padded)
