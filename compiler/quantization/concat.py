"""Concats whose operands keep a scale each: the type of the whole is by axis."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import IntegerType, Signedness

from compiler.dialects.quant import I8, UniformType
from compiler.dialects.top.movement import ConcatOp
from compiler.ir.axis_types import joined
from compiler.ir.network import name_of, shape
from compiler.ir.storage import PerAxis, scale_of, zero_of
from compiler.quantization.readers import Reading

U8 = IntegerType(8, Signedness.UNSIGNED)
MIDDLE = 128
"""The zero point of a signed tensor that is stored as u8."""

Span = tuple[float, float]


@dataclass(frozen=True)
class Sections:
    """The types wanted of a Concat's operands; `common`: with one zero point, for a convolution reads them."""

    elements: Sequence[UniformType]
    common: bool

    def whole(self, op: ConcatOp, given: Sequence[UniformType | None]) -> UniformType:
        """The result's type of operands of the types `given`: those that don't fit are to be cast to what is wanted."""
        pairs = zip(given, self.elements, strict=True)
        own = [have if have is not None and self._fits(have, wanted) else wanted for have, wanted in pairs]
        axis = op.axis.value.data
        return joined(own, [shape(value)[axis] for value in op.inputs], axis)

    def _fits(self, have: UniformType, wanted: UniformType) -> bool:
        try:
            return have.storage == wanted.storage and (not self.common or zero_of(have) == zero_of(wanted))
        except PerAxis:
            return False


def sections(
    op: ConcatOp,
    spans: Mapping[str, Span],
    found: Mapping[str, UniformType],
    exact: Collection[str],
    reading: Reading | None,
) -> Sections | None:
    """
    The types of a Concat's operands that keep a scale each; None where its readers can't tell them apart.

    All are of one storage type. `spans` are the ranges of tensors, `found` the types that each would have by itself,
    those of `exact` are fixed.
    """
    names = [name_of(value) for value in op.inputs]
    if reading is None or reading.axis not in (None, op.axis.value.data) or not op.axis.value.data:
        return None
    if any(name not in spans or name not in found for name in names) or name_of(op) in exact:
        return None
    each, common = [found[name] for name in names], reading.common
    zeros = {zero_of(kind) for kind in each}
    if len({kind.storage for kind in each}) == 1 and (len(zeros) == 1 or not common):
        return Sections(each, common)
    if any(name in exact for name in names):
        return None
    if not common:
        return Sections([_unsigned(kind) for kind in each], common)
    ranges = [spans[name] for name in names]
    if zeros == {0}:
        return Sections(_signed(ranges), common)
    made, shared = _one_zero_point(ranges), [found[name_of(op)]] * len(ranges)
    return Sections(made, common) if _noise(made, ranges) < _noise(shared, ranges) else None


def _unsigned(element: UniformType) -> UniformType:
    """The same steps stored as u8."""
    if element.storage != I8:
        return element
    return UniformType.per_tensor(scale_of(element), MIDDLE, storage=U8)


def _signed(ranges: Sequence[Span]) -> list[UniformType]:
    return [UniformType.per_tensor(_step(span, MIDDLE - 1, MIDDLE - 1)) for span in ranges]


def _one_zero_point(ranges: Sequence[Span]) -> list[UniformType]:
    """u8 around the zero point with the least noise."""
    tried = (
        [UniformType.per_tensor(_step(span, zero, 255 - zero), zero, storage=U8) for span in ranges]
        for zero in range(256)
    )
    return min(tried, key=lambda made: _noise(made, ranges))


def _noise(elements: Sequence[UniformType], ranges: Sequence[Span]) -> float:
    """The sum of squared steps, each as a share of its range."""
    widths = (max(high, 0.0) - min(low, 0.0) or 1.0 for low, high in ranges)
    return sum((scale_of(kind) / width) ** 2 for kind, width in zip(elements, widths, strict=True))


def _step(span: Span, below: int, above: int) -> float:
    """The least step with which so many steps below and above zero hold the range; infinite where none does."""
    low, high = max(-span[0], 0.0), max(span[1], 0.0)
    needed = [(low, below), (high, above)]
    if any(reach > 0 and not count for reach, count in needed):
        return float("inf")
    return max((reach / count for reach, count in needed if count), default=0.0) or 1e-9 / 255
