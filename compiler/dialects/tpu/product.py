"""Products of two activations, on the multiply-accumulate cube."""

from __future__ import annotations

from xdsl.dialects.builtin import BoolAttr
from xdsl.irdl import attr_def, irdl_op_definition, operand_def, opt_attr_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.access import Access, C, Follows, H, K, N, Whole
from compiler.dialects.fields import FALSE, AnyTensor, Int
from compiler.dialects.tpu.base import Activated
from compiler.ir.network import Shape, shape


@irdl_op_definition
class BatchMatMulOp(Activated):
    """
    `input` (b, m, k) by `right` (b, k, n) → (b, m, n); an operand with a batch of 1 serves all of them.

    `right_transpose`: `right` lies as (b·n, k). Steps of the reduction are columns of `input`. Of 8-bit operands both
    zero points are subtracted at read, and the sums requantised by `multiplier` and `rshift` (CHIP §4); without these
    they are the result, in i32. The rows of `input` lie in the lanes.
    """

    name = "tpu.BatchMatMul"
    input = operand_def(AnyTensor)
    right = operand_def(AnyTensor)
    right_transpose = attr_def(BoolAttr, default_value=FALSE)
    multiplier = opt_attr_def(Int)
    rshift = opt_attr_def(Int)

    def infer_shape(self) -> Shape:
        batch, m, _ = shape(self.input)
        if not self.right_transpose:
            count, _, n = shape(self.right)
            return max(batch, count), m, n
        # How many matrices the rows make up only the result knows.
        made, _, n = shape(self.output)
        return made if batch == 1 else batch, m, n

    def reduction(self) -> int:
        return shape(self.input)[2]

    def reads(self) -> tuple[Access, ...]:
        batch, _, n = shape(self.output)
        rows: Access = (_batch(shape(self.input)[0], batch), Follows(C), Follows(K), Whole())
        if not self.right_transpose:
            return rows, (_batch(shape(self.right)[0], batch), Follows(K), Follows(H), Whole())
        # One matrix is cut along its rows; of several each is read whole, as one axis follows only one other.
        along = Follows(H) if shape(self.right)[0] == n else Follows(N, n, 0, n - 1)
        return rows, (along, Follows(K), Whole(), Whole())

    def verify_(self) -> None:
        batch, _, k = shape(self.input)
        made, _, n = shape(self.output)
        wanted = [(b * n, k) if self.right_transpose else (b, k, n) for b in (1, made)]
        if batch not in (1, made) or shape(self.right) not in wanted:
            raise VerifyException(f"{shape(self.input)} by {shape(self.right)} don't make {shape(self.output)}")
        super().verify_()


def _batch(own: int, made: int) -> Follows | Whole:
    return Whole() if own == 1 and made != 1 else Follows(N)
