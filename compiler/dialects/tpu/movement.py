"""Ops that move values and change none: GDMA's work on the way to local memory, or no engine's."""

from __future__ import annotations

from abc import ABC
from itertools import accumulate

from xdsl.irdl import attr_def, irdl_op_definition, operand_def, var_operand_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.access import SAME, Access, Follows, Whole
from compiler.dialects.fields import AnyTensor, Int, Ints, numbers
from compiler.dialects.tpu.base import TpuOp, frame_of
from compiler.ir.network import Shape, shape, size


class Movement(TpuOp, ABC):
    """An op whose result is its operands' values laid out anew; in a group its Loads write where the result lies."""

    def order(self) -> tuple[int, int, int, int]:
        """Fact: the operand frame's axis that each axis of the result's frame is read from."""
        return 0, 1, 2, 3


@irdl_op_definition
class ConcatOp(Movement):
    """Operands end to end on `axis` (0 ≤ axis < rank)."""

    name = "tpu.Concat"
    inputs = var_operand_def(AnyTensor)
    axis = attr_def(Int)

    def infer_shape(self) -> Shape:
        axis, shapes = self.axis.value.data, [shape(value) for value in self.inputs]
        if len({(*s[:axis], *s[axis + 1 :]) for s in shapes}) != 1:
            raise VerifyException(f"{shapes} differ beside axis {axis}")
        return (*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :])

    def starts(self) -> tuple[int, ...]:
        """Where on the result's axis each operand begins."""
        axis = self.axis.value.data
        return tuple(accumulate((shape(value)[axis] for value in self.inputs), initial=0))[:-1]

    def reads(self) -> tuple[Access, ...]:
        axis = self.axis.value.data
        return tuple((*SAME[:axis], Follows(axis, 1, -s, -s), *SAME[axis + 1 :]) for s in self.starts())


@irdl_op_definition
class ReshapeOp(TpuOp):
    """
    The same values in the same order under the result's extents: in global memory a view, no data moves.

    Inside a group it may stand only where both frames are the same.
    """

    name = "tpu.Reshape"
    input = operand_def(AnyTensor)

    @property
    def keeps_frame(self) -> bool:
        """Whether only ones at the end come or go, so that local memory is the same too."""
        return frame_of(self.input) == frame_of(self.output)

    def infer_shape(self) -> Shape:
        if size(shape(self.input)) != size(made := shape(self.output)):
            raise VerifyException(f"{shape(self.input)} doesn't fill {made}")
        return made

    def reads(self) -> tuple[Access, ...]:
        return (SAME if self.keeps_frame else (Whole(),) * 4,)


@irdl_op_definition
class PermuteOp(Movement):
    """Axis i of the result is axis `order[i]` of the input."""

    name = "tpu.Permute"
    input = operand_def(AnyTensor)
    permutation = attr_def(Ints, attr_name="order")

    def infer_shape(self) -> Shape:
        return tuple(shape(self.input)[axis] for axis in numbers(self.permutation))

    def order(self) -> tuple[int, int, int, int]:
        given = numbers(self.permutation)
        a, b, c, d = (*given, *range(len(given), 4))
        return a, b, c, d

    def reads(self) -> tuple[Access, ...]:
        order = self.order()
        return (tuple(Follows(order.index(axis)) for axis in range(4)),)

    def verify_(self) -> None:
        if sorted(numbers(self.permutation)) != list(range(len(shape(self.input)))):
            raise VerifyException(f"order {numbers(self.permutation)} isn't a permutation of the input's axes")
        super().verify_()


@irdl_op_definition
class SliceOp(Movement):
    """Index o of each axis is the input's index `offset + step · o`, step ≥ 1; the result's extents say how many."""

    name = "tpu.Slice"
    input = operand_def(AnyTensor)
    offset = attr_def(Ints)
    steps = attr_def(Ints)

    def infer_shape(self) -> Shape:
        made = shape(self.output)
        for extent, count, start, step in zip(
            shape(self.input), made, numbers(self.offset), numbers(self.steps), strict=True
        ):
            if start < 0 or step < 1 or start + step * (count - 1) >= extent:
                raise VerifyException(f"{count} indices from {start} by {step} leave an axis of {extent}")
        return made

    def reads(self) -> tuple[Access, ...]:
        given = zip(numbers(self.offset), numbers(self.steps), strict=True)
        along = [Follows(i, step, start, start) for i, (start, step) in enumerate(given)]
        return ((*along, *SAME[len(along) :]),)
