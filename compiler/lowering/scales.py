"""Which quantised type each tensor of an int8 network gets, from the ranges that calibration found."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import IntegerType, Signedness
from xdsl.ir import Operation, SSAValue

from compiler.dialects.quant import CalibratedType, UniformType
from compiler.dialects.top.base import PassesValues
from compiler.ir.network import Network, name_of

U8 = IntegerType(8, Signedness.UNSIGNED)
I8 = IntegerType(8)
SMALLEST_THRESHOLD = 1e-9
"""Below it a tensor counts as all zero: its scale must still be positive."""


def quantised(low: float, high: float) -> UniformType:
    """u8 with zero point 0 and scale `high / 255` where nothing is negative, else i8 with scale `max|x| / 127`."""
    threshold = max(abs(low), abs(high), SMALLEST_THRESHOLD)
    if low >= 0:
        return UniformType.per_tensor(threshold / 255, storage=U8)
    return UniformType.per_tensor(threshold / 127, storage=I8)


def chosen(network: Network) -> dict[str, UniformType]:
    """
    The quantised type of every calibrated tensor, by name.

    An op that passes values on gives its result's type to an operand that nobody else reads, and so on upwards, so
    that a Concat needs no requantising where its operands can be made in its scale.
    """
    found = {name_of(value): quantised(*span) for value in _results(network) if (span := _range(value)) is not None}
    for op in reversed(list(network.ops)):
        if not op.has_trait(PassesValues):
            continue
        wanted = found.get(name_of(op))
        for operand in op.operands:
            if wanted is not None and name_of(operand) in found and _read_only_by(op, operand):
                found[name_of(operand)] = wanted
    return found


def _results(network: Network) -> Iterator[SSAValue]:
    for op in network.ops:
        yield from op.results


def _range(value: SSAValue) -> tuple[float, float] | None:
    element = getattr(value.type, "element_type", None)
    if not isinstance(element, CalibratedType):
        return None
    return element.minimum.data, element.maximum.data


def _read_only_by(op: Operation, operand: SSAValue) -> bool:
    return all(use.operation is op for use in operand.uses)
