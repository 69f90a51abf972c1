"""Which tensors may have a scale for each index of an axis: those whose readers' constant weights can absorb it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, Use

from compiler.dialects.structure import WeightOp
from compiler.dialects.top.base import PassesValues
from compiler.dialects.top.contraction import ConvOp, MatMulOp
from compiler.dialects.top.movement import ConcatOp
from compiler.dialects.top.transposed import DeconvOp
from compiler.ir.network import Network, name_of, shape
from compiler.quantization.moved import axis_before


@dataclass(frozen=True)
class Reading:
    """
    What all readers of a tensor can do with scales along `axis`; None: along any, for only the network's caller reads.

    `common`: whether all indices need one zero point, the value that a convolution pads with.
    """

    axis: int | None
    common: bool


def readings(
    network: Network, calibrated: Collection[str], apart: Collection[str], *, results: bool
) -> dict[str, Reading]:
    """
    The tensors that may have a type by axis, by name.

    `calibrated` tensors are quantised, the ops `apart` have formats of their own. `results` says whether what the
    network returns may be read so.
    """
    inside, found = {*calibrated} - {*apart}, dict[str, Reading]()
    for op in reversed(list(network.ops)):
        for value in op.results:
            if name_of(value) in calibrated and (reading := _joint(value.uses, inside, found, results)) is not None:
                found[name_of(value)] = reading
    return found


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


def _joint(uses: Iterable[Use], inside: Collection[str], known: Mapping[str, Reading], results: bool) -> Reading | None:
    """What all uses have in common; None if one can't read scales by axis, or none is left."""
    each = [_reading(use, inside, known, results) for use in uses]
    own = [reading for reading in each if reading is not None]
    axes = {reading.axis for reading in own} - {None}
    if not own or len(own) < len(each) or len(axes) > 1:
        return None
    return Reading(axes.pop() if axes else None, any(reading.common for reading in own))


def _reading(use: Use, inside: Collection[str], known: Mapping[str, Reading], results: bool) -> Reading | None:
    op = use.operation
    if isinstance(op, ReturnOp):
        return Reading(None, False) if results else None
    if name_of(op) not in inside:
        return None
    if (axis := contracted_axis(op, use.index)) is not None:
        return Reading(axis, True)
    if not op.has_trait(PassesValues) or (after := known.get(name_of(op))) is None:
        return None
    axis = op.axis.value.data if isinstance(op, ConcatOp) and after.axis is None else after.axis
    if axis is None:
        return after
    before = axis_before(op, axis)
    return None if before is None else Reading(before, after.common)
