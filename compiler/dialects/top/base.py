"""What every computing Top op is, and the facts an op may state about itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import cast

from xdsl.dialects.builtin import (
    BoolAttr,
    IntegerAttr,
    IntegerType,
    NoneType,
    Signedness,
    TensorType,
    UnrankedTensorType,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import BaseAttr, IRDLOperation, attr_def, result_def, traits_def
from xdsl.traits import OpTrait, Pure
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import FALSE, NO_LIMIT, TRUE, Float, ints
from compiler.dialects.formula import Term, maximum, minimum
from compiler.ir.network import Shape, shape

AnyRank = BaseAttr(TensorType) | BaseAttr(UnrankedTensorType)
"""A tensor; before shape inference its rank may be unknown."""
AnyRankOrNone = AnyRank | BaseAttr(NoneType)
Axis = IntegerAttr[IntegerType]
"""An axis, which TPU-MLIR spells `1 : si32`."""


NEUTRAL: Mapping[str, tuple[Attribute, ...]] = {
    "do_relu": (FALSE,), "left_transpose": (FALSE,), "output_transpose": (FALSE,), "hdim_is_batch": (FALSE,),
    "is_adaptive": (FALSE,), "keepdims": (TRUE,), "keep_dims": (TRUE,), "log": (FALSE,), "is_reverse": (FALSE,),
    "inserts": (ints(), ints(0, 0)), "coeff": (),
}  # fmt: skip
"""Attributes of TPU-MLIR that an op here may lack, with the values that change nothing; any other is refused."""


def axis_attribute(axis: int) -> Axis:
    """`1 : si32` as an attribute."""
    return IntegerAttr(axis, IntegerType(32, Signedness.SIGNED))


def is_ranked(value: SSAValue) -> bool:
    """Whether the value is a tensor whose extents are known."""
    return isinstance(value.type, TensorType)


def element(value: SSAValue) -> Attribute:
    """The element type of a tensor, its extents known or not."""
    kind: Attribute = value.type
    assert isinstance(kind, TensorType | UnrankedTensorType), kind
    return cast("TensorType[Attribute] | UnrankedTensorType[Attribute]", kind).element_type


def is_present(value: SSAValue) -> bool:
    """Whether an operand is there, not a `top.None`."""
    return not isinstance(value.type, NoneType)


class PassesValues(OpTrait):
    """Fact: each output value is one of the input values; only order may decide which. So scales pass too."""


class OverIntegers(OpTrait):
    """Fact: what lowers the op takes integers and bools as well as floats."""


class TopOp(IRDLOperation, ABC):
    """A pure op with a single tensor result `output`."""

    output = result_def(AnyRank)
    traits = traits_def(Pure())

    @abstractmethod
    def infer_shape(self) -> Shape:
        """The output's extents, from ranked operands and attributes. Raises VerifyException where they don't fit."""

    def settle(self) -> None:
        """Write into the attributes what they leave to the operands' extents (`auto_pad`, a -1 in a shape)."""

    def passed(self) -> tuple[SSAValue, ...]:
        """Fact: the operands whose values an op with `PassesValues` passes on; the others say which, or where to."""
        return tuple(self.operands)

    def macs(self) -> int:
        """Fact: multiply-accumulates, of ranked operands; 0 for an op that isn't a sum of products."""
        return 0

    def flops(self) -> int:
        """Fact: floating-point operations of ranked operands, counted as TPU-MLIR counts `module.FLOPs`."""
        return 0

    def verify_(self) -> None:
        declared = self.get_irdl_definition().attributes
        for name, value in self.attributes.items():
            if name in NEUTRAL and name not in declared and value not in NEUTRAL[name]:
                raise VerifyException(f"{name} = {value} isn't supported")
        tensors = [value for value in (*self.operands, self.output) if is_present(value)]
        if all(map(is_ranked, tensors)) and (stated := shape(self.output)) != (made := self.infer_shape()):
            raise VerifyException(f"states {list(stated)}, but its operands make {list(made)}")


class Activated(TopOp, ABC):
    """An op that ends in Relu on request: `max(y, 0)`, and `min(…, relu_limit)` where that is positive."""

    do_relu = attr_def(BoolAttr, default_value=FALSE)
    relu_limit = attr_def(Float, default_value=NO_LIMIT)

    def activate(self, y: Term) -> Term:
        """`y` with the Relu that the attributes ask for."""
        if not self.do_relu:
            return y
        return rectified(y, self.relu_limit.value.data)


def rectified(y: Term, limit: float) -> Term:
    """`min(max(y, 0), limit)`; no upper limit where `limit` isn't positive."""
    return minimum(maximum(y, 0.0), limit) if limit > 0 else maximum(y, 0.0)
