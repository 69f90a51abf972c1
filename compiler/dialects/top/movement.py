"""Ops that move values and change none."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from xdsl.dialects.builtin import BoolAttr, FloatAttr, StringAttr, f64
from xdsl.irdl import attr_def, irdl_op_definition, operand_def, traits_def, var_operand_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import FALSE, Float, Int, Ints, integer, ints, numbers
from compiler.dialects.top.base import AnyRank, Axis, OverIntegers, PassesValues, TopOp, axis_attribute
from compiler.ir.network import Shape, shape, size

MODES = ("constant", "edge", "reflect", "wrap")
"""What may stand in a padding."""


@irdl_op_definition
class ConcatOp(TopOp):
    """Operands end to end on `axis`; ONNX Concat."""

    name = "top.Concat"
    inputs = var_operand_def(AnyRank)
    axis = attr_def(Axis, default_value=axis_attribute(1))
    traits = traits_def(Pure(), PassesValues())

    def settle(self) -> None:
        self.axis = axis_attribute(self.axis.value.data % len(shape(self.inputs[0])))

    def infer_shape(self) -> Shape:
        shapes = [shape(value) for value in self.inputs]
        axis = self.axis.value.data % len(shapes[0])
        if len({(*s[:axis], *s[axis + 1 :]) for s in shapes}) != 1:
            raise VerifyException(f"{shapes} differ beside axis {axis}")
        return (*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :])


class View(TopOp, ABC):
    """The same values in the same order under other extents."""

    input = operand_def(AnyRank)
    traits = traits_def(Pure(), PassesValues())

    @abstractmethod
    def extents(self, dims: Shape) -> Shape:
        """The output's extents for an input of extents `dims`."""

    def infer_shape(self) -> Shape:
        if size(dims := shape(self.input)) != size(made := self.extents(dims)):
            raise VerifyException(f"{list(dims)} doesn't fill {list(made)}")
        return made


@irdl_op_definition
class ReshapeOp(View):
    """`shape` gives the extents; 0 copies the input's, one -1 takes what is left, until `settle` writes them out."""

    name = "top.Reshape"
    target = attr_def(Ints, attr_name="shape")
    flatten_start_dim = attr_def(Int, default_value=integer(-1))

    def extents(self, dims: Shape) -> Shape:
        asked = numbers(self.target)
        if any(extent == 0 and i >= len(dims) for i, extent in enumerate(asked)) or asked.count(-1) > 1:
            raise VerifyException(f"{list(asked)} says too little about the reshaping of {list(dims)}")
        known = [dims[i] if extent == 0 else extent for i, extent in enumerate(asked)]
        rest = size(dims) // max(size(tuple(extent for extent in known if extent != -1)), 1)
        return tuple(rest if extent == -1 else extent for extent in known)

    def settle(self) -> None:
        self.target = ints(*self.extents(shape(self.input)))


@irdl_op_definition
class SqueezeOp(View):
    """Axes of extent 1 go: those in `axes`, or all of them where it is empty."""

    name = "top.Squeeze"
    axes = attr_def(Ints)
    is_scalar = attr_def(BoolAttr, default_value=FALSE)

    def extents(self, dims: Shape) -> Shape:
        asked = [axis % len(dims) for axis in numbers(self.axes)]
        gone = asked or [i for i, extent in enumerate(dims) if extent == 1]
        return tuple(extent for i, extent in enumerate(dims) if i not in gone)


@irdl_op_definition
class UnsqueezeOp(View):
    """Axes of extent 1 come, at `axes` of the output."""

    name = "top.Unsqueeze"
    axes = attr_def(Ints)

    def extents(self, dims: Shape) -> Shape:
        rank = len(dims) + len(self.axes)
        new = {axis % rank for axis in numbers(self.axes)}
        old = iter(dims)
        return tuple(1 if i in new else next(old) for i in range(rank))


@irdl_op_definition
class IdentityOp(View):
    """The input itself; ONNX Identity, Dropout, and Cast to the type it has. TPU-MLIR's converter drops them."""

    name = "top.Identity"

    def extents(self, dims: Shape) -> Shape:
        return dims


@irdl_op_definition
class PermuteOp(TopOp):
    """Axis i of the output is axis `order[i]` of the input; ONNX Transpose."""

    name = "top.Permute"
    input = operand_def(AnyRank)
    order = attr_def(Ints)
    traits = traits_def(Pure(), PassesValues())

    def settle(self) -> None:
        if not self.order.data:
            self.order = ints(*reversed(range(len(shape(self.input)))))

    def infer_shape(self) -> Shape:
        dims = shape(self.input)
        if sorted(numbers(self.order)) != list(range(len(dims))):
            raise VerifyException(f"order {list(numbers(self.order))} isn't a permutation of {len(dims)} axes")
        return tuple(dims[axis] for axis in numbers(self.order))


@irdl_op_definition
class SliceOp(TopOp):
    """
    Index i of each axis is the input's `offset + steps · i`, up to before `ends`, which a negative step goes down to.

    `axes` names the axes that the three speak of, until `settle` gives all of them a number, counted from the start;
    the end of a slice that goes down to index 0 is then `-extent - 1`.
    """

    name = "top.Slice"
    input = operand_def(AnyRank)
    offset = attr_def(Ints)
    steps = attr_def(Ints)
    ends = attr_def(Ints)
    axes = attr_def(Ints, default_value=ints())
    traits = traits_def(Pure(), PassesValues())

    def ranges(self) -> list[range]:
        """The indices taken from each axis of the input. Raises VerifyException for a step of 0."""
        dims = shape(self.input)
        if 0 in numbers(self.steps):
            raise VerifyException(f"steps {list(numbers(self.steps))} hold a 0")
        made = [range(extent) for extent in dims]
        asked = [axis % len(dims) for axis in numbers(self.axes)] or range(len(dims))
        for axis, start, stop, step in zip(
            asked, numbers(self.offset), numbers(self.ends), numbers(self.steps), strict=True
        ):
            made[axis] = range(*slice(start, stop, step).indices(dims[axis]))
        return made

    def settle(self) -> None:
        taken, dims = self.ranges(), shape(self.input)
        self.offset = ints(*(r.start for r in taken))
        self.ends = ints(*(-n - 1 if r.stop < 0 else r.stop for n, r in zip(dims, taken, strict=True)))
        self.steps = ints(*(r.step for r in taken))
        self.axes = ints()

    def infer_shape(self) -> Shape:
        return tuple(map(len, self.ranges()))


@irdl_op_definition
class PadOp(TopOp):
    """
    `paddings` (before each axis, then after each) around the input; ONNX Pad.

    By `mode` they hold the value `val` (constant), the outermost element (edge), the elements mirrored at it (reflect),
    or those from the other end (wrap).
    """

    name = "top.Pad"
    input = operand_def(AnyRank)
    paddings = attr_def(Ints)
    val = attr_def(Float, default_value=FloatAttr(0.0, f64))
    mode = attr_def(StringAttr, default_value=StringAttr("constant"))
    traits = traits_def(Pure(), OverIntegers())

    def sides(self) -> list[tuple[int, int]]:
        """(before, after) of each axis."""
        both = numbers(self.paddings)
        return list(zip(both[: len(both) // 2], both[len(both) // 2 :], strict=True))

    def rows(self, axis: int) -> list[int]:
        """The row of the input that each row of the result on an axis is, in any mode but constant."""
        (before, after), n = self.sides()[axis], shape(self.input)[axis]
        period = max(2 * n - 2, 1)
        match self.mode.data:
            case "edge":
                return [min(max(i, 0), n - 1) for i in range(-before, n + after)]
            case "wrap":
                return [i % n for i in range(-before, n + after)]
            case _:
                return [min(i % period, period - i % period) if n > 1 else 0 for i in range(-before, n + after)]

    def infer_shape(self) -> Shape:
        if len(sides := self.sides()) != len(dims := shape(self.input)):
            raise VerifyException(f"pads {len(sides)} axes of a tensor that has {len(dims)}")
        return tuple(before + extent + after for extent, (before, after) in zip(dims, sides, strict=True))

    def verify_(self) -> None:
        if self.mode.data not in MODES:
            raise VerifyException(f"mode is {', '.join(MODES)}, not {self.mode.data!r}")
        if min(numbers(self.paddings), default=0) < 0:
            raise VerifyException("paddings aren't negative; crop with a Slice")
        super().verify_()


@irdl_op_definition
class ExpandOp(TopOp):
    """The input repeated to the extents that it and `shape` broadcast to; ONNX Expand."""

    name = "top.Expand"
    input = operand_def(AnyRank)
    target = attr_def(Ints, attr_name="shape")
    traits = traits_def(Pure(), PassesValues())

    def infer_shape(self) -> Shape:
        try:
            return np.broadcast_shapes(shape(self.input), numbers(self.target))
        except ValueError:
            raise VerifyException(f"{shape(self.input)} doesn't expand to {numbers(self.target)}") from None


@irdl_op_definition
class TileOp(TopOp):
    """The input `tile` times end to end on each axis; ONNX Tile."""

    name = "top.Tile"
    input = operand_def(AnyRank)
    tile = attr_def(Ints)
    traits = traits_def(Pure(), PassesValues())

    def infer_shape(self) -> Shape:
        if len(times := numbers(self.tile)) != len(dims := shape(self.input)):
            raise VerifyException(f"repeats {len(times)} axes of a tensor that has {len(dims)}")
        return tuple(extent * count for extent, count in zip(dims, times, strict=True))
