"""What every Tpu op is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import zip_longest

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, BoolAttr, StringAttr, TensorType, UnitAttr
from xdsl.ir import SSAValue
from xdsl.irdl import IRDLOperation, attr_def, opt_attr_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.access import Access, Frame, Whole, frame
from compiler.dialects.fields import FALSE, NO_LIMIT, AnyTensor, Float
from compiler.dialects.tpu.slices import LgAttr, Slices
from compiler.ir.network import Shape, shape
from compiler.ir.storage import is_quantised, scales_of, storage, uniform, zero_point


class InGroup(IRDLOperation, ABC):
    """An op that may stand in a `tpu.Group`, where `ginfo` says what it handles tile by tile."""

    ginfo = opt_attr_def(LgAttr)
    output = result_def(AnyTensor)
    traits = traits_def(Pure())

    @property
    def slices(self) -> Slices:
        """The op's place in its group. Raises ValueError outside of one."""
        if self.ginfo is None:
            raise ValueError(f"{self.name} isn't in a layer group yet")
        return self.ginfo.data


class TpuOp(InGroup, ABC):
    """
    A pure op with a single tensor result `output`, as the chip can run it slice by slice.

    `internal` marks a tensor that lowering introduced: it has no partner in the stages before. `folds` names tensors of
    those stages that exist no more, since this one is made another way.
    """

    internal = opt_attr_def(UnitAttr)
    folds = opt_attr_def(ArrayAttr[StringAttr])

    @abstractmethod
    def infer_shape(self) -> Shape:
        """The result's extents, from operands and attributes. Raises VerifyException where they don't fit together."""

    @abstractmethod
    def reads(self) -> tuple[Access, ...]:
        """Fact: the access map of each operand's frame, `()` for an absent one. Tiling and halo follow from it."""

    def reduction(self) -> int:
        """Fact: how many steps the op's sum or maximum has along `K`; 1 for an op that reduces nothing."""
        return 1

    def temporaries(self) -> int:
        """Fact: how many f32 buffers of the output slice's frame the op needs beside its operands and output."""
        return 0

    def verify_(self) -> None:
        if (stated := shape(self.output)) != (made := self.infer_shape()):
            raise VerifyException(f"states {list(stated)}, but its operands make {list(made)}")
        kind = uniform(self.output) if is_quantised(self.output) else None
        if kind and kind.is_per_axis and stated[kind.axis.data : kind.axis.data + 1] != (len(kind.scales),):
            raise VerifyException(f"has {len(kind.scales)} scales for axis {kind.axis.data} of {list(stated)}")
        for value, access in zip_longest(self.operands, self.reads(), fillvalue=()):
            if isinstance(value, SSAValue) and isinstance(value.type, TensorType) != bool(access):
                raise VerifyException("reads() has an entry of four axes for each operand that is there, () for others")


class Activated(TpuOp, ABC):
    """An op that ends in Relu, or in a clamp to [0, relu_limit], on request."""

    do_relu = attr_def(BoolAttr, default_value=FALSE)
    relu_limit = attr_def(Float, default_value=NO_LIMIT)

    def clamp(self) -> tuple[float, float]:
        """Lowest and highest result in stored units: real for a float result, integers for an integer one."""
        if storage(self.output).kind in "iu" and not is_quantised(self.output):
            limits = np.iinfo(storage(self.output))
            return float(limits.min), float(limits.max)
        limit = self.relu_limit.value.data if self.do_relu and self.relu_limit.value.data > 0 else float("inf")
        if not is_quantised(self.output):
            return (0.0 if self.do_relu else float("-inf")), limit
        kind, zero = uniform(self.output), zero_point(self.output)
        low, high = kind.minimum.data, kind.maximum.data
        if self.do_relu:
            low = max(low, zero)
        if limit != float("inf"):
            high = min(high, round(limit / float(scales_of(kind).max())) + zero)
        return float(low), float(high)


def frame_of(value: SSAValue) -> Frame:
    """The frame (n, c, h, w) of a tensor value."""
    return frame(shape(value))


def lane_broadcast(op: TpuOp, index: int) -> bool:
    """Whether operand `index` has one channel that every lane reads: each lane then holds a copy of its own."""
    value = op.operands[index]
    if not isinstance(value.type, TensorType):
        return False
    return frame_of(value)[1] == 1 and isinstance(op.reads()[index][1], Whole)
