"""Which quantised type each tensor of an int8 network gets, from the ranges that calibration found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType

import numpy as np
from xdsl.ir import Operation, SSAValue

from compiler.dialects.quant import I8, CalibratedType, UniformType
from compiler.dialects.top.base import PassesValues
from compiler.dialects.top.movement import ConcatOp
from compiler.dialects.top.quantised import FakeQuantOp
from compiler.ir.network import Network, name_of
from compiler.ir.storage import scales_of, zero_of
from compiler.quantization.balance import Balance
from compiler.quantization.concat import U8, Sections, sections
from compiler.quantization.moved import moved
from compiler.quantization.qtable import Exceptions
from compiler.quantization.readers import contracted_axis, readings
from compiler.quantization.tabled import tabled

SMALLEST_THRESHOLD = 1e-9
"""No tensor's largest magnitude counts as less: a scale is positive, and not so small that factors overflow."""

FARTHEST = 8
"""How many times the steps of a Concat's operands may differ before one scale for them serves none."""

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


def chosen(
    network: Network,
    scheme: Scheme,
    excepted: Exceptions,
    balance: Mapping[str, Balance] = MappingProxyType({}),
    *,
    by_axis: bool = True,
) -> dict[str, UniformType]:
    """
    The type that a scheme gives to every calibrated tensor, by name. Raises BadQtable.

    A Concat whose readers can tell its operands apart leaves each of them its scale: its type is by axis
    (`quantization.concat`), a network's result's too if `by_axis`. One whose operands' steps differ more than
    `FARTHEST` times and that no type by axis serves has no type: it is a float op. Any other op that passes values on
    gives its result's type to an operand that it holds without saturating, and so on upwards: then a Concat needs no
    requantising, its operands are made in its scale. Where others read the operand too, its steps may grow by `COARSER`
    at most. A FakeQuant has the type that the model states, and so has what nobody but it reads, saturating or not.
    What tables alone read has a zero point whatever the scheme is: no contraction meets it.
    """
    measured = {name_of(value): span for value in _results(network) if (span := _span(value)) is not None}
    spans = excepted.respanned(network, measured)
    stated = {name_of(op): kind for op in network.ops if (kind := _stated(op)) is not None}
    free = {name_of(value) for value in _results(network) if tabled(value)}
    found = {name: (asymmetric if name in free else scheme)(*span) for name, span in spans.items()} | stated
    read = readings(network, found, excepted.formats, results=by_axis)
    exact, apart = set(stated), dict[str, Sections]()
    for op in reversed(list(network.ops)):
        if not (op.has_trait(PassesValues) or name_of(op) in stated) or (wanted := found.get(name_of(op))) is None:
            continue
        if isinstance(op, ConcatOp) and (own := sections(op, spans, found, exact, read.get(name_of(op)))):
            apart[name_of(op)] = own
            found |= {name_of(v): kind for v, kind in zip(op.inputs, own.elements, strict=True) if _alone(v, op, exact)}
            continue
        if isinstance(op, ConcatOp) and _is_torn(op, found, exact):
            del found[name_of(op)]
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
    balanced = {
        name: by_channel(found[name], each)
        for name, each in balance.items()
        if (each.zero is not None or (name in read and read[name].axis == each.axis))
        and name in found
        and name not in {*exact, *excepted.thresholds}
    }
    return found | _by_axis(network, found, apart, balanced)


def by_channel(element: UniformType, balance: Balance) -> UniformType:
    """The type with the storage and the zero point of `element` whose channels reach as far as the balance says."""
    low, high = balance.spans.astype(np.float64)
    if balance.zero is not None:
        scales = np.maximum((high - low) / 255, SMALLEST_THRESHOLD / 255).tolist()
        return UniformType.per_axis(scales, [balance.zero] * len(scales), balance.axis, U8)
    zero = zero_of(element)
    below, above = zero - element.minimum.data, element.maximum.data - zero
    steps = np.maximum(-low / max(below, 1) if below else 0.0, high / max(above, 1))
    scales = np.maximum(steps, SMALLEST_THRESHOLD / 255).tolist()
    return UniformType.per_axis(scales, [zero] * len(scales), balance.axis, element.storage)


def _by_axis(
    network: Network,
    found: Mapping[str, UniformType],
    apart: Mapping[str, Sections],
    balanced: Mapping[str, UniformType],
) -> dict[str, UniformType]:
    """The types of the Concats that are `apart`, of what is `balanced`, and of what their values pass through."""
    made = dict(balanced)
    for op in network.ops:
        if not op.has_trait(PassesValues) or name_of(op) not in found:
            continue
        given = [made.get(name_of(value)) or found.get(name_of(value)) for value in op.operands]
        if isinstance(op, ConcatOp) and name_of(op) in apart:
            made[name_of(op)] = apart[name_of(op)].whole(op, given)
        elif given and given[0] is not None and given[0].is_per_axis:
            made[name_of(op)] = moved(op, given[0])
    return made


def _alone(value: SSAValue, op: Operation, exact: Collection[str]) -> bool:
    return name_of(value) not in exact and all(use.operation is op for use in value.uses)


def _is_torn(op: ConcatOp, found: Mapping[str, UniformType], exact: Collection[str]) -> bool:
    """Whether the steps of operands differ so much that one scale would leave nothing of some."""
    if name_of(op) in exact or any(contracted_axis(use.operation, use.index) is not None for use in op.output.uses):
        return False
    own = [found[name_of(value)] for value in op.inputs if name_of(value) in found]
    steps = [step for step in (float(scales_of(kind).max()) for kind in own) if step > SMALLEST_THRESHOLD / 127]
    return len(steps) > 1 and max(steps) > FARTHEST * min(steps)


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
