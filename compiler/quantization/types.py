"""Which quantised type each tensor of an int8 network gets, from the ranges that calibration found."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from xdsl.dialects.builtin import IntegerType, Signedness
from xdsl.ir import Operation, SSAValue

from compiler.dialects.quant import CalibratedType, UniformType
from compiler.dialects.top.base import PassesValues
from compiler.dialects.top.quantised import FakeQuantOp
from compiler.ir.network import Network, name_of
from compiler.quantization.qtable import Exceptions

U8 = IntegerType(8, Signedness.UNSIGNED)
I8 = IntegerType(8)
SMALLEST_THRESHOLD = 1e-9
"""No tensor's largest magnitude counts as less: a scale is positive, and not so small that factors overflow."""

COARSER = 1.25
"""How many times larger the steps of a tensor may be for one of several readers' sake: a third of a bit."""


Scheme = Callable[[float, float], UniformType]
"""From the lowest and the highest value of a tensor to its type."""


def symmetric(low: float, high: float) -> UniformType:
    """u8 with zero point 0 and scale `high / 255` where nothing is negative, else i8 with scale `max|x| / 127`."""
    threshold = max(abs(low), abs(high), SMALLEST_THRESHOLD)
    if low >= 0:
        return UniformType.per_tensor(threshold / 255, storage=U8)
    return UniformType.per_tensor(threshold / 127, storage=I8)


def asymmetric(low: float, high: float) -> UniformType:
    """u8 from `low` to `high`, both widened to hold zero, which is one of the steps."""
    bottom, top = min(low, 0.0), max(high, 0.0)
    step = max(top - bottom, SMALLEST_THRESHOLD) / 255
    return UniformType.per_tensor(step, round(-bottom / step), storage=U8)


def chosen(network: Network, scheme: Scheme, excepted: Exceptions) -> dict[str, UniformType]:
    """
    The type that a scheme gives to every calibrated tensor, by name. Raises BadQtable.

    An op that passes values on gives its result's type to an operand that it holds without saturating, and so on
    upwards: then a Concat needs no requantising, its operands are made in its scale. Where others read the operand too,
    its steps may grow by `COARSER` at most. A FakeQuant has the type that the model states, and so has what nobody but
    it reads, saturating or not.
    """
    measured = {name_of(value): span for value in _results(network) if (span := _span(value)) is not None}
    spans = excepted.respanned(network, measured)
    stated = {name_of(op): kind for op in network.ops if (kind := _stated(op)) is not None}
    found = {name: scheme(*span) for name, span in spans.items()} | stated
    exact = set(stated)
    for op in reversed(list(network.ops)):
        if not (op.has_trait(PassesValues) or name_of(op) in stated) or (wanted := found.get(name_of(op))) is None:
            continue
        for operand in op.operands:
            name = name_of(operand)
            if name not in found or name in exact:
                continue
            alone = all(use.operation is op for use in operand.uses)
            if name_of(op) in exact and alone:
                exact.add(name)
            elif not _holds(wanted, *spans[name]) or not (alone or _is_near(wanted, scheme(*spans[name]))):
                continue
            found[name] = wanted
    return found


def _stated(op: Operation) -> UniformType | None:
    """
    The type of eight bits that a FakeQuant asks for; None for any other op, and for more bits.

    Signed where the zero point is the middle, else unsigned: the zero point moves with the steps.
    """
    if not isinstance(op, FakeQuantOp) or op.reach[1] - op.reach[0] > 255:
        return None
    (low, high), step = op.reach, op.scale.value.data
    if -128 <= low < 0 and high <= 127:
        return UniformType.per_tensor(step, storage=I8, low=low, high=high)
    return UniformType.per_tensor(step, -low, storage=U8, low=0, high=high - low)


def _results(network: Network) -> Iterator[SSAValue]:
    for op in network.ops:
        yield from op.results


def _span(value: SSAValue) -> tuple[float, float] | None:
    element = getattr(value.type, "element_type", None)
    if not isinstance(element, CalibratedType):
        return None
    return element.minimum.data, element.maximum.data


def _is_near(element: UniformType, own: UniformType) -> bool:
    """Whether the steps of a type are about as fine as those that the tensor would have by itself."""
    return element.scales.data[0].data <= COARSER * own.scales.data[0].data


def _holds(element: UniformType, low: float, high: float) -> bool:
    """Whether the type reaches from `low` to `high`, give or take half a step."""
    step, zero = element.scales.data[0].data, element.zero_points.data[0].data
    return element.minimum.data - zero <= low / step + 0.5 and high / step - 0.5 <= element.maximum.data - zero
