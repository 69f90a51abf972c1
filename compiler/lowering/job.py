"""What a lowering rule works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from xdsl.dialects.builtin import NoneType, TensorType, UnitAttr, f32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import IRDLOperation
from xdsl.rewriter import InsertPoint, Rewriter

from compiler.dialects.quant import UniformType
from compiler.dialects.structure import NoneOp, WeightOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import ReshapeOp
from compiler.ir.axis_types import reshaped
from compiler.ir.network import Array, Network, Shape, name_of, named, shape, tensor
from compiler.ir.storage import dtype_of
from compiler.quantization.quantised_weights import Quantised

LARGEST: Mapping[str, float] = {
    "float32": 3.4028234663852886e38,
    "bfloat16": 3.3895313892515355e38,
    "float16": 65504.0,
}
"""The largest finite number of each float type."""


class Unlowerable(Exception):
    """The chip has no op for some op of the network; the message names each and what is wrong with it."""


@dataclass(frozen=True)
class Contracted:
    """What an int8 contraction was given: its weights, and the channels of the Top tensor `of` that it makes."""

    made: Quantised
    of: str
    channels: slice


@dataclass
class Job:
    """
    The lowering of `op`, an op of `network`, in front of which new ops may be put.

    `element` is the float type that ops compute in which aren't quantised. `scales` are the quantised types wanted for
    the tensors of an int8 network, by tensor name. `known` remembers what has been cast already, by value and type,
    `names` the tensors there are, `contracted` what the weights of int8 contractions stand for, by their names, and
    `formats` the number formats that a qtable gives ops.
    """

    network: Network
    op: Operation
    element: Attribute = f32
    scales: Mapping[str, UniformType] = field(default_factory=dict[str, UniformType])
    known: dict[tuple[SSAValue, Attribute], SSAValue] = field(
        default_factory=dict[tuple[SSAValue, Attribute], SSAValue]
    )
    names: set[str] = field(default_factory=set[str])
    contracted: dict[str, Contracted] = field(default_factory=dict[str, Contracted])
    formats: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        """The tensor name of the op being lowered."""
        return name_of(self.op)

    def refusal(self, why: str) -> Unlowerable:
        """The error that this op can't be lowered."""
        return Unlowerable(f"{self.op.name} at {self.name!r}: {why}")

    def insert(self, op: TpuOp, suffix: str, of: str | None = None) -> SSAValue:
        """Put `op` before the one being lowered, as the internal tensor `<name>_<suffix>`; its result."""
        name = f"{of or self.name}_{suffix}"
        while name in self.names:
            name += "_"
        self.names.add(name)
        op.internal = UnitAttr()
        Rewriter.insert_op(named(op, name), InsertPoint.before(self.op))
        return op.output

    def array(self, value: SSAValue) -> Array | None:
        """The array behind a `top.Weight`, None behind anything else."""
        return self.network.weights[name_of(value)] if isinstance(value.owner, WeightOp) else None

    def constant(self, value: SSAValue, role: str) -> Array:
        """The array behind an operand that has to be constant. Raises Unlowerable."""
        if (array := self.array(value)) is None:
            raise self.refusal(f"the {role} isn't constant, which the chip needs it to be")
        return array

    def weight(self, suffix: str, array: Array, element: Attribute) -> SSAValue:
        """A new weight `<name>_<suffix>`; floats are clamped into the element type's range, then rounded."""
        name = f"{self.name}_{suffix}"
        while name in self.network.weights:
            name += "_"
        self.network.weights[name] = fitted(array, dtype_of(element))
        op = WeightOp(result_types=[TensorType(element, array.shape)])
        Rewriter.insert_op(named(op, name), InsertPoint.before(self.op))
        return op.output

    def none(self) -> SSAValue:
        """An operand that isn't there."""
        op = NoneOp(result_types=[NoneType()])
        Rewriter.insert_op(op, InsertPoint.before(self.op))
        return op.output

    def reshape(self, value: SSAValue, extents: Shape, suffix: str) -> SSAValue:
        """A view of `value` under other extents, or `value` where it has them; a constant is stored so."""
        if shape(value) == extents:
            return value
        if (array := self.array(value)) is not None:
            return self.weight(suffix, array.reshape(extents), tensor(value).element_type)
        element = reshaped(tensor(value).element_type, shape(value), extents)
        return self.insert(ReshapeOp(operands=[value], result_types=[TensorType(element, extents)]), suffix)

    def viewed(self, op: TpuOp, extents: Shape, suffix: str) -> TpuOp:
        """`op`, or where its result has other extents, the view that has these; `op` is then internal."""
        if shape(op.output) == extents:
            return op
        element = reshaped(tensor(op.output).element_type, shape(op.output), extents)
        return ReshapeOp(operands=[self.insert(op, suffix)], result_types=[TensorType(element, extents)])


def shared(op: IRDLOperation, kind: type[IRDLOperation]) -> dict[str, Attribute]:
    """
    The attributes of `op` that `kind` also has; the dialects name them alike for this.

    Raises Unlowerable rather than lose one that isn't at its default.
    """
    known = kind.get_irdl_definition().attributes
    for key, definition in op.get_irdl_definition().attributes.items():
        value = op.attributes.get(key)
        if key not in known and value is not None and value != definition.default_value:
            raise Unlowerable(f"{op.name} at {name_of(op)!r}: {kind.name} has no {key}, here {value}")
    return {key: value for key, value in op.attributes.items() if key in known}


def fitted(array: Array, kind: np.dtype[Any]) -> Array:
    """An array as contiguous `kind`; finite numbers are clamped into a float type's range, then rounded."""
    if kind.name not in LARGEST:
        return np.asarray(array, kind, order="C")
    most = LARGEST[kind.name]
    wide = np.asarray(array, np.float32)
    return np.asarray(np.where(np.isfinite(wide), np.clip(wide, -most, most), wide), kind, order="C")
