"""Ops that reduce a window or a plane, on the lanes' element units."""

from __future__ import annotations

from xdsl.dialects.builtin import BoolAttr, NoneType, StringAttr
from xdsl.irdl import attr_def, irdl_op_definition, operand_def, opt_attr_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.access import Access, C, Follows, H, K, N, W, Whole
from compiler.dialects.fields import FALSE, AnyTensor, Int, Ints, TensorOrNone, Windowed, numbers
from compiler.dialects.tpu.base import Activated
from compiler.ir.network import Shape, shape


@irdl_op_definition
class PoolOp(Windowed, Activated):
    """
    `function` (`max`, `avg`) of each window. `input` (n, c, h, w) → (n, c, oh, ow).

    Padding never wins a maximum; an average counts it only if `count_include_pad`. `params` of an int8 average is i32
    (1, 1, rows, 3): for each number of counted taps that occurs, that number, multiplier and shift; else absent.
    """

    name = "tpu.Pool"
    input = operand_def(AnyTensor)
    params = operand_def(TensorOrNone)
    function = attr_def(StringAttr)
    count_include_pad = attr_def(BoolAttr, default_value=FALSE)

    def infer_shape(self) -> Shape:
        n, c, h, w = shape(self.input)
        return (n, c, *self.window.output((h, w)))

    def reads(self) -> tuple[Access, ...]:
        table: Access = () if isinstance(self.params.type, NoneType) else (Whole(),) * 4
        return (Follows(N), Follows(C), *self.window.reads()), table

    def verify_(self) -> None:
        self.verify_window()
        if self.function.data not in ("max", "avg"):
            raise VerifyException(f"function is max or avg, not {self.function.data!r}")
        super().verify_()


@irdl_op_definition
class ReduceOp(Activated):
    """
    `function` (`max`, `min`, `sum`, `prod`, `mean`) over `axes`, of [2, 3], of `input` (n, c, h, w): they become 1.

    Steps of the reduction are rows, where axis 2 is reduced, else columns. An int8 sum or mean is
    Σ(x - zero point), requantised by `multiplier` and `rshift`; an int8 maximum or minimum needs neither. Integers
    that aren't quantised stay so, sums and products in i32.
    """

    name = "tpu.Reduce"
    input = operand_def(AnyTensor)
    function = attr_def(StringAttr)
    axes = attr_def(Ints)
    multiplier = opt_attr_def(Int)
    rshift = opt_attr_def(Int)

    def infer_shape(self) -> Shape:
        axes = numbers(self.axes)
        return tuple(1 if i in axes else n for i, n in enumerate(shape(self.input)))

    def reduction(self) -> int:
        return shape(self.input)[min(numbers(self.axes))]

    def reads(self) -> tuple[Access, ...]:
        match numbers(self.axes):
            case (2,):
                return ((Follows(N), Follows(C), Follows(K), Follows(W)),)
            case (3,):
                return ((Follows(N), Follows(C), Follows(H), Follows(K)),)
            case _:
                return ((Follows(N), Follows(C), Follows(K), Whole()),)

    def verify_(self) -> None:
        if len(shape(self.input)) != 4 or numbers(self.axes) not in ((2,), (3,), (2, 3)):
            raise VerifyException("reduces axis 2, 3 or both of a rank-4 tensor; reshape to it first")
        if self.function.data not in ("max", "min", "sum", "prod", "mean"):
            raise VerifyException(f"function is max, min, sum, prod or mean, not {self.function.data!r}")
        super().verify_()
