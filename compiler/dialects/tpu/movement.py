"""Ops that move values and change none: on the way to local memory, by copies within it, or by no engine."""

from __future__ import annotations

from abc import ABC
from itertools import accumulate

from xdsl.dialects.builtin import StringAttr
from xdsl.irdl import attr_def, irdl_op_definition, operand_def, var_operand_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.access import SAME, Access, C, Follows, Frame, Whole, broadcast
from compiler.dialects.fields import AnyTensor, Int, Ints, numbers
from compiler.dialects.tpu.base import TpuOp, frame_of
from compiler.ir.network import Shape, shape, size

FUNCTIONS = ("set", "add", "mul", "max", "min")
"""What may become of a place and the value that is put there."""


class Movement(TpuOp, ABC):
    """
    An op whose result is its operands' values laid out anew; in a group its Loads write where the result lies.

    An operand that the group makes is copied within local memory. Its tensors have up to four axes.
    """

    def order(self) -> tuple[int, int, int, int]:
        """Fact: the operand frame's axis that each axis of the result's frame is read from."""
        return 0, 1, 2, 3

    def copied(self) -> bool:
        """Fact: whether operands may come from local memory: channels stay channels, at most turned round."""
        return False

    def joins(self) -> int:
        """Fact: the axis of the result's frame along which the operands lie end to end; -1 where they don't."""
        return -1

    def seen(self, lanes: int) -> bool:
        """Fact: whether the result can be seen in the operand's buffer, by strides, on a chip of so many lanes."""
        return False

    def verify_(self) -> None:
        if deep := [len(shape(value)) for value in (*self.operands, self.output) if len(shape(value)) > 4]:
            raise VerifyException(f"a tensor of {max(deep)} axes; merge some, the chip moves by four")
        super().verify_()


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

    def copied(self) -> bool:
        return True

    def joins(self) -> int:
        return self.axis.value.data

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

    Inside a group it may stand only where it keeps lanes.
    """

    name = "tpu.Reshape"
    input = operand_def(AnyTensor)

    @property
    def keeps_frame(self) -> bool:
        """Whether only ones at the end come or go, so that local memory is the same too."""
        return frame_of(self.input) == frame_of(self.output)

    @property
    def keeps_lanes(self) -> bool:
        """Whether each channel keeps its image and its plane's elements in their order, under other extents."""
        return frame_of(self.input)[:2] == frame_of(self.output)[:2]

    def infer_shape(self) -> Shape:
        if size(shape(self.input)) != size(made := shape(self.output)):
            raise VerifyException(f"{shape(self.input)} doesn't fill {made}")
        return made

    def reads(self) -> tuple[Access, ...]:
        if self.keeps_frame:
            return (SAME,)
        return ((*SAME[:2], Whole(), Whole()) if self.keeps_lanes else (Whole(),) * 4,)


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

    def copied(self) -> bool:
        return self.order()[C] == C

    def seen(self, lanes: int) -> bool:
        return self.copied()

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

    def copied(self) -> bool:
        return all(step == 1 for step in numbers(self.steps)[C : C + 1])

    def seen(self, lanes: int) -> bool:
        return self.copied() and all(start % lanes == 0 for start in numbers(self.offset)[C : C + 1])

    def reads(self) -> tuple[Access, ...]:
        given = zip(numbers(self.offset), numbers(self.steps), strict=True)
        along = [Follows(i, step, start, start) for i, (start, step) in enumerate(given)]
        return ((*along, *SAME[len(along) :]),)


@irdl_op_definition
class ExpandOp(Movement):
    """The input repeated along axes of extent 1, to the result's extents."""

    name = "tpu.Expand"
    input = operand_def(AnyTensor)

    def infer_shape(self) -> Shape:
        have, made = shape(self.input), shape(self.output)
        if len(have) != len(made) or any(n not in (1, full) for n, full in zip(have, made, strict=True)):
            raise VerifyException(f"{list(have)} doesn't expand to {list(made)}")
        return made

    def copied(self) -> bool:
        return frame_of(self.input)[C] == frame_of(self.output)[C]

    def reads(self) -> tuple[Access, ...]:
        return (broadcast(frame_of(self.input), frame_of(self.output)),)


@irdl_op_definition
class GatherOp(Movement):
    """
    `output[…, i, …] = input[…, index[…, i, …], …]`, the index on `axis`, negative ones counted from the end.

    `input` and `index`, of up to four axes and equal in number, broadcast to the result on the other axes. An index
    beyond either end picks a zero.
    """

    name = "tpu.Gather"
    input = operand_def(AnyTensor)
    index = operand_def(AnyTensor)
    axis = attr_def(Int)

    def infer_shape(self) -> Shape:
        axis, x, told = self.axis.value.data, shape(self.input), shape(self.index)
        if len(x) != len(told) or not axis < len(x) <= 4:
            raise VerifyException(f"axis {axis} of {list(x)}, indices {list(told)}: axes are up to four, and as many")
        others = [(a, b) for i, (a, b) in enumerate(zip(x, told, strict=True)) if i != axis]
        if any(a != b and 1 not in (a, b) for a, b in others):
            raise VerifyException(f"{list(x)} and indices {list(told)} don't broadcast beside axis {axis}")
        return tuple(b if i == axis else max(a, b) for i, (a, b) in enumerate(zip(x, told, strict=True)))

    def reads(self) -> tuple[Access, ...]:
        made = frame_of(self.output)
        return _beside(self.axis.value.data, frame_of(self.input), made), broadcast(frame_of(self.index), made)


@irdl_op_definition
class ScatterOp(Movement):
    """
    The input with updates put in: `output[…, index[…, i, …], …]` is `function` of itself and `updates[…, i, …]`.

    That is done for each i of `axis` in rising order, rounded each time. The three have up to four axes. `index` has
    the extents of `updates`, or 1, which serves all; a negative one counts from the end, one beyond the ends is idle.
    """

    name = "tpu.Scatter"
    input = operand_def(AnyTensor)
    index = operand_def(AnyTensor)
    updates = operand_def(AnyTensor)
    axis = attr_def(Int)
    function = attr_def(StringAttr)

    def infer_shape(self) -> Shape:
        axis, x, told, given = self.axis.value.data, shape(self.input), shape(self.index), shape(self.updates)
        if not len(x) == len(told) == len(given) or not axis < len(x) <= 4:
            raise VerifyException(f"axis {axis} of {list(x)}, updates {list(given)}: axes are up to four, and as many")
        if (*x[:axis], *x[axis + 1 :]) != (*given[:axis], *given[axis + 1 :]):
            raise VerifyException(f"updates {list(given)} differ from {list(x)} beside axis {axis}")
        if any(n not in (1, full) for n, full in zip(told, given, strict=True)):
            raise VerifyException(f"indices {list(told)} don't broadcast to {list(given)}")
        return x

    def reads(self) -> tuple[Access, ...]:
        axis, given = self.axis.value.data, frame_of(self.updates)
        return SAME, _beside(axis, frame_of(self.index), given), _beside(axis, given, given)

    def verify_(self) -> None:
        if self.function.data not in FUNCTIONS:
            raise VerifyException(f"function is {', '.join(FUNCTIONS)}, not {self.function.data!r}")
        super().verify_()


def _beside(axis: int, operand: Frame, made: Frame) -> Access:
    """Read in step with the result, or for all of it, but on `axis`, of which any row may be meant."""
    n, c, h, w = (*operand[:axis], made[axis], *operand[axis + 1 :])
    access = broadcast((n, c, h, w), made)
    return (*access[:axis], Whole(), *access[axis + 1 :])
