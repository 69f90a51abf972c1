"""Ops that read or write where numbers say, and those that make such numbers."""

from __future__ import annotations

from abc import ABC

from xdsl.dialects.builtin import BoolAttr, StringAttr
from xdsl.ir import SSAValue
from xdsl.irdl import attr_def, irdl_op_definition, operand_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import FALSE, TRUE, Int, integer
from compiler.dialects.top.base import AnyRank, OverIntegers, PassesValues, TopOp
from compiler.ir.network import Shape, shape

REDUCTIONS = ("none", "add", "mul", "max", "min")
"""What becomes of a place and an update: the update, or the two made one."""


class Picking(TopOp, ABC):
    """An op whose results are elements of `input`, chosen by `indices`; negative ones count from the end."""

    input = operand_def(AnyRank)
    indices = operand_def(AnyRank)
    traits = traits_def(Pure(), PassesValues())

    def passed(self) -> tuple[SSAValue, ...]:
        return (self.input,)


@irdl_op_definition
class GatherOp(Picking):
    """Slices of an axis, by index: `output[a…, i…, b…] = input[a…, indices[i…], b…]`; ONNX Gather."""

    name = "top.Gather"
    axis = attr_def(Int, default_value=integer(0))

    def infer_shape(self) -> Shape:
        dims = shape(self.input)
        axis = self.axis.value.data % len(dims)
        return (*dims[:axis], *shape(self.indices), *dims[axis + 1 :])


@irdl_op_definition
class GatherElementsOp(Picking):
    """Elements by their index on an axis: `output[a…, i, b…] = input[a…, indices[a…, i, b…], b…]`."""

    name = "top.GatherElements"
    axis = attr_def(Int, default_value=integer(0))

    def infer_shape(self) -> Shape:
        return shape(self.indices)


@irdl_op_definition
class GatherNDOp(Picking):
    """Slices by tuples of indices, the last axis of `indices`; the first `batch_dims` axes are in step."""

    name = "top.GatherND"
    batch_dims = attr_def(Int, default_value=integer(0))

    @property
    def depth(self) -> int:
        """How many axes a tuple names."""
        return shape(self.indices)[-1]

    def infer_shape(self) -> Shape:
        dims, told, batch = shape(self.input), shape(self.indices), self.batch_dims.value.data
        if dims[:batch] != told[:batch] or self.depth > len(dims) - batch:
            raise VerifyException(f"indices {list(told)} of {list(dims)} with {batch} axes in step don't fit together")
        return (*told[:-1], *dims[batch + self.depth :])


class Putting(TopOp, ABC):
    """`input` with `updates` put in where `indices` say, one after another; `reduction` joins old and new."""

    input = operand_def(AnyRank)
    indices = operand_def(AnyRank)
    updates = operand_def(AnyRank)
    reduction = attr_def(StringAttr, default_value=StringAttr("none"))
    traits = traits_def(Pure(), OverIntegers())

    def infer_shape(self) -> Shape:
        return shape(self.input)

    def verify_(self) -> None:
        if self.reduction.data not in REDUCTIONS:
            raise VerifyException(f"reduction is {', '.join(REDUCTIONS)}, not {self.reduction.data!r}")
        super().verify_()


@irdl_op_definition
class ScatterElementsOp(Putting):
    """Elements to their index on an axis: `output[a…, indices[a…, i, b…], b…] = updates[a…, i, b…]`."""

    name = "top.ScatterElements"
    axis = attr_def(Int, default_value=integer(0))


@irdl_op_definition
class ScatterNDOp(Putting):
    """Slices to tuples of indices, the last axis of `indices`."""

    name = "top.ScatterND"

    @property
    def depth(self) -> int:
        """How many axes a tuple names."""
        return shape(self.indices)[-1]


@irdl_op_definition
class ArgOp(TopOp):
    """Where on an axis the largest or smallest element is, the first of equals or the last; ONNX ArgMax, ArgMin."""

    name = "top.Arg"
    input = operand_def(AnyRank)
    axis = attr_def(Int, default_value=integer(0))
    keepdims = attr_def(BoolAttr, default_value=TRUE)
    mode = attr_def(StringAttr)
    select_last_index = attr_def(BoolAttr, default_value=FALSE)
    traits = traits_def(Pure(), OverIntegers())

    def infer_shape(self) -> Shape:
        dims = shape(self.input)
        axis = self.axis.value.data % len(dims)
        return (*dims[:axis], *((1,) if self.keepdims else ()), *dims[axis + 1 :])


@irdl_op_definition
class TopKOp(TopOp):
    """Where on an axis the `K` largest or smallest elements are, in order, the first of equals first; ONNX TopK."""

    name = "top.TopK"
    input = operand_def(AnyRank)
    axis = attr_def(Int, default_value=integer(-1))
    count = attr_def(Int, attr_name="K")
    largest = attr_def(BoolAttr, default_value=TRUE)
    traits = traits_def(Pure(), OverIntegers())

    def infer_shape(self) -> Shape:
        dims = shape(self.input)
        axis = self.axis.value.data % len(dims)
        if (count := self.count.value.data) > dims[axis]:
            raise VerifyException(f"takes {count} of the {dims[axis]} elements of axis {axis}")
        return (*dims[:axis], count, *dims[axis + 1 :])


@irdl_op_definition
class ReverseSequenceOp(TopOp):
    """The first `sequence_lens[b]` elements on `time_axis` of each b on `batch_axis` in the opposite order."""

    name = "top.ReverseSequence"
    input = operand_def(AnyRank)
    sequence_lens = operand_def(AnyRank)
    batch_axis = attr_def(Int, default_value=integer(1))
    time_axis = attr_def(Int, default_value=integer(0))
    traits = traits_def(Pure(), PassesValues())

    def passed(self) -> tuple[SSAValue, ...]:
        return (self.input,)

    def infer_shape(self) -> Shape:
        return shape(self.input)
