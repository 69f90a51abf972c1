"""Which tensors may have a scale for each index of an axis: those whose readers' constant weights can absorb it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue, Use

from compiler.dialects.structure import WeightOp
from compiler.dialects.top.base import PassesValues
from compiler.dialects.top.contraction import ConvOp, MatMulOp
from compiler.dialects.top.movement import ConcatOp
from compiler.dialects.top.normalisation import LayerNormOp, RMSNormOp
from compiler.dialects.top.transposed import DeconvOp
from compiler.ir.network import Network, name_of, shape
from compiler.quantization.float_ops import FLOAT_READERS, Formats, stays_float
from compiler.quantization.moved import axis_before

FLOAT_MAKERS = (LayerNormOp, RMSNormOp)
"""Ops that are f32 in an int8 network: on the way to int8 their results are multiplied anyway."""


@dataclass(frozen=True)
class Reading:
    """
    What all readers of a tensor can do with scales along `axis`; None: along any, for only the network's caller reads.

    `common`: whether all indices need one zero point, the value that a convolution pads with.
    """

    axis: int | None
    common: bool


def readings(network: Network, calibrated: Collection[str], formats: Formats, *, results: bool) -> dict[str, Reading]:
    """
    The tensors that may have a type by axis, by name.

    `calibrated` tensors are quantised, `formats` are those that a qtable gives to ops. `results` says whether what the
    network returns may be read so.
    """
    around = _Around({*calibrated} - {*formats}, formats, results, dict[str, Reading]())
    for op in reversed(list(network.ops)):
        for value in op.results:
            if name_of(value) in calibrated and (reading := _joint(value, around)) is not None:
                around.known[name_of(value)] = reading
    return around.known


@dataclass(frozen=True)
class _Around:
    """The ops that are `inside` the int8 part, the qtable's formats, and what is known of tensors further down."""

    inside: Collection[str]
    formats: Formats
    results: bool
    known: dict[str, Reading]


def contracted_axis(op: Operation, index: int) -> int | None:
    """The axis of operand `index` of a contraction along which its constant weights have a column each."""
    match op:
        case ConvOp() | DeconvOp():
            return 1 if index == 0 and isinstance(op.filter.owner, WeightOp) else None
        case MatMulOp():
            constant = isinstance(op.right.owner, WeightOp) and all(n == 1 for n in shape(op.right)[:-2])
            return len(shape(op.input)) - 1 if index == 0 and constant else None
        case _:
            return None


def _joint(value: SSAValue, around: _Around) -> Reading | None:
    """What all uses have in common; None if one can't read scales by axis, or none is left."""
    each = [_reading(use, around) for use in value.uses]
    own = [reading for reading in each if reading is not None]
    axes = {reading.axis for reading in own} - {None}
    if not own or len(own) < len(each) or len(axes) > 1:
        return None
    return Reading(axes.pop() if axes else None, any(reading.common for reading in own))


def _reading(use: Use, around: _Around) -> Reading | None:
    op = use.operation
    if isinstance(op, ReturnOp):
        return Reading(None, False) if around.results else None
    if isinstance(op.operands[use.index].owner, FLOAT_MAKERS) and _reads_float(op, around.formats):
        return Reading(None, False)
    if name_of(op) not in around.inside:
        return None
    if (axis := contracted_axis(op, use.index)) is not None:
        return Reading(axis, True)
    if not op.has_trait(PassesValues) or (after := around.known.get(name_of(op))) is None:
        return None
    axis = op.axis.value.data if isinstance(op, ConcatOp) and after.axis is None else after.axis
    if axis is None:
        return after
    before = axis_before(op, axis)
    return None if before is None else Reading(before, after.common)


def _reads_float(op: Operation, formats: Formats) -> bool:
    """Whether an op takes floats as they are, where they are made."""
    return isinstance(op, FLOAT_READERS) or stays_float(op, formats)
