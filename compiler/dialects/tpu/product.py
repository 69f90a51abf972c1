"""Matrix products with the rows of the left operand in the lanes, on the multiply-accumulate cube."""

from __future__ import annotations

from abc import ABC
from math import prod

from xdsl.dialects.builtin import BoolAttr, NoneType
from xdsl.irdl import attr_def, irdl_op_definition, operand_def, opt_attr_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.access import Access, C, Follows, H, K, N, W, Whole
from compiler.dialects.fields import FALSE, AnyTensor, Int, TensorOrNone, integer
from compiler.dialects.tpu.base import Activated
from compiler.ir.network import Shape, shape


class Product(Activated, ABC):
    """
    Of 8-bit operands both zero points are subtracted at read, and the sums requantised by `multiplier` and `rshift`
    (numerics.md §2); an f32 result is `f32(sum) · f32(multiplier · 2^-rshift)`, an i32 result the sums themselves.
    """

    input = operand_def(AnyTensor)
    right = operand_def(AnyTensor)
    right_transpose = attr_def(BoolAttr, default_value=FALSE)
    multiplier = opt_attr_def(Int)
    rshift = opt_attr_def(Int)


@irdl_op_definition
class BatchMatMulOp(Product):
    """
    `input` (b, m, k) by `right` (b, k, n) → (b, m, n); an operand with a batch of 1 serves all of them.

    `input` may also be (b, m, i, j), whose i·j columns are k. `right_transpose`: `right` is (b, n, k). `params`, if
    there, are those of the columns, as a MatMul has them of its channels: f32 (1, n, 1, 1), the bias, which the sum
    starts with, or i32 (1, n, 1, 3): bias, multiplier, shift. Steps of the reduction are columns of `input`.
    """

    name = "tpu.BatchMatMul"
    input = operand_def(AnyTensor)
    right = operand_def(AnyTensor)
    params = operand_def(TensorOrNone)

    def infer_shape(self) -> Shape:
        batch, m, *_ = shape(self.input)
        count, *matrix = shape(self.right)
        return max(batch, count), m, matrix[0 if self.right_transpose else 1]

    def reduction(self) -> int:
        return prod(shape(self.input)[2:])

    def reads(self) -> tuple[Access, ...]:
        made, given = shape(self.output)[0], shape(self.input)
        columns = (Follows(K), Whole()) if len(given) == 3 else (Whole(), Whole())
        rows: Access = (_batch(given[0], made), Follows(C), *columns)
        matrix = (Follows(H), Follows(K)) if self.right_transpose else (Follows(K), Follows(H))
        right: Access = (_batch(shape(self.right)[0], made), *matrix, Whole())
        told: Access = () if isinstance(self.params.type, NoneType) else (Whole(), Follows(H), Whole(), Whole())
        return rows, right, told

    def verify_(self) -> None:
        given, right, made = shape(self.input), shape(self.right), shape(self.output)
        fits = len(given) in (3, 4) and len(right) == 3 and given[0] in (1, made[0]) and right[0] in (1, made[0])
        if not fits or right[2 if self.right_transpose else 1] != self.reduction():
            raise VerifyException(f"{given} by {right} don't make {made}")
        super().verify_()


@irdl_op_definition
class HeadMatMulOp(Product):
    """
    Products head by head, the heads of each row side by side: → (b, m, heads, n).

    `input` is (b, m, heads, k), or (b, m, all·k) of `all` heads of which those from `first` on are multiplied. `right`
    is (b, k, all·n), or with `right_transpose` (b, n, all·k), the same heads of all. Steps of the reduction are columns
    of a head of `input`.
    """

    name = "tpu.HeadMatMul"
    input = operand_def(AnyTensor)
    right = operand_def(AnyTensor)
    all = attr_def(Int)
    first = attr_def(Int, default_value=integer(0))

    @property
    def apart(self) -> bool:
        """Whether the heads are an axis of `input`."""
        return len(shape(self.input)) == 4

    def infer_shape(self) -> Shape:
        batch, m, *_ = shape(self.input)
        _, *matrix = shape(self.right)
        n = matrix[0] if self.right_transpose else matrix[1] // self.all.value.data
        return batch, m, shape(self.output)[2], n

    def reduction(self) -> int:
        return shape(self.input)[3] if self.apart else shape(self.input)[2] // self.all.value.data

    def reads(self) -> tuple[Access, ...]:
        k, n = self.reduction(), shape(self.output)[3]
        columns = (Follows(H), Follows(K)) if self.apart else (self._of_head(k), Whole())
        rows: Access = (Follows(N), Follows(C), *columns)
        if self.right_transpose:
            return rows, (Follows(N), Follows(W), self._of_head(k), Whole())
        return rows, (Follows(N), Follows(K), self._of_head(n), Whole())

    def _of_head(self, columns: int) -> Follows:
        """The columns of a head of all, so many each."""
        start = self.first.value.data * columns
        return Follows(H, columns, start, start + columns - 1)

    def verify_(self) -> None:
        batch, m, heads, n = shape(self.output)
        count, k = self.all.value.data, self.reduction()
        wide = (batch, n, count * k) if self.right_transpose else (batch, k, count * n)
        rows = (batch, m, heads, k) if self.apart else (batch, m, count * k)
        if shape(self.input) != rows or shape(self.right) != wide or self.first.value.data + heads > count:
            raise VerifyException(f"{shape(self.input)} by {shape(self.right)} don't make {shape(self.output)}")
        super().verify_()


def _batch(own: int, made: int) -> Follows | Whole:
    return Whole() if own == 1 and made != 1 else Follows(N)
