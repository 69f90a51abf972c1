"""Layer groups: ops that hand slices to each other in local memory, and the moves at their edges."""

from __future__ import annotations

from abc import ABC

from xdsl.dialects.builtin import StringAttr
from xdsl.irdl import (
    IRDLOperation,
    attr_def,
    irdl_op_definition,
    operand_def,
    opt_attr_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import IsTerminator, Pure

from compiler.dialects.fields import AnyTensor, Int, integer
from compiler.dialects.tpu.base import InGroup


class Transfer(InGroup, ABC):
    """A move between global and local memory; it changes no value."""

    input = operand_def(AnyTensor)


@irdl_op_definition
class LoadOp(Transfer):
    """Global → local: the slice of `input` that the group's ops read in a tile."""

    name = "tpu.Load"


@irdl_op_definition
class StoreOp(Transfer):
    """Local → global: the slice of `input` made in a tile, once its reduction is complete."""

    name = "tpu.Store"


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends a group: the stored tensors, in the order of the group's results."""

    name = "tpu.Yield"
    inputs = var_operand_def(AnyTensor)
    traits = traits_def(IsTerminator())


@irdl_op_definition
class GroupOp(IRDLOperation):
    """
    A layer group: Loads, ops and Stores run tile by tile over a grid of `nsecs · csecs · hsecs · wsecs · ksecs` tiles.

    The last letter of `order` is the axis that runs fastest. `inputs` are all the values from outside that its Loads
    read, weights included. A Load whose slice is that of the tile before isn't repeated.
    The cores of a chip share out the tiles along the axis `split`, each its stretch of them in order; without it, the
    first core does all.
    """

    name = "tpu.Group"
    inputs = var_operand_def(AnyTensor)
    outputs = var_result_def(AnyTensor)
    body = region_def("single_block")
    nsecs = attr_def(Int, default_value=integer(1))
    csecs = attr_def(Int, default_value=integer(1))
    hsecs = attr_def(Int, default_value=integer(1))
    wsecs = attr_def(Int, default_value=integer(1))
    ksecs = attr_def(Int, default_value=integer(1))
    order = attr_def(StringAttr, default_value=StringAttr("nchwk"))
    split = opt_attr_def(StringAttr)
    traits = traits_def(Pure())

    @property
    def secs(self) -> dict[str, int]:
        """How many tiles there are along each group axis."""
        counts = (self.nsecs, self.csecs, self.hsecs, self.wsecs, self.ksecs)
        return {axis: count.value.data for axis, count in zip("nchwk", counts, strict=True)}

    @property
    def shared(self) -> str:
        """The axis along which cores share out the tiles; empty if they don't."""
        return self.split.data if self.split else ""
