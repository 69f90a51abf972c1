"""Thresholds into the network: every tensor's type carries its calibrated range."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects.builtin import Float32Type, FloatData, FunctionType, StringAttr, TensorType, f32
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from compiler.dialects.quant import CalibratedType
from compiler.dialects.structure import WeightOp
from compiler.dialects.top.base import PassesValues, TopOp, is_present
from compiler.dialects.top.quantised import FakeQuantOp
from compiler.ir.network import Network, name_of, shape, tensor
from compiler.quantization.table import DamagedTable, Entry


def annotate(network: Network, entries: Mapping[str, Entry]) -> int:
    """
    Give each tensor with an entry the type `!quant.calibrated<f32<low:high>>`; returns how many.

    The range is what the entry keeps of the values seen: a type around zero reaches to the larger of both ends, one
    with a zero point from the one to the other. An op that only passes values on passes its
    operand's range on too; one that joins several (Concat) has the range that holds all of theirs, a FakeQuant that of
    its steps. Other tensors without an entry stay float. Raises DamagedTable for an entry of a tensor that isn't there.
    """
    named = {name_of(value): value for op in network.ops for value in op.results if _is_measured(op, value)}
    if strange := [name for name in entries if name not in named]:
        raise DamagedTable(
            f"cali_table has {strange[0]!r}, which isn't a tensor of the network ({len(strange)} such); calibrate again"
        )
    ranges: dict[str, CalibratedType] = {}
    for name, value in named.items():
        if (found := _passed(value.op, ranges) or _stated(value.op) or _measured(entries.get(name))) is None:
            continue
        ranges[name] = found
        Rewriter.replace_value_with_new_type(value, TensorType(found, shape(value)))
    _seal(network)
    return len(ranges)


def _is_measured(op: Operation, value: SSAValue) -> bool:
    return not isinstance(op, WeightOp) and is_present(value) and isinstance(tensor(value).element_type, Float32Type)


def _stated(op: Operation) -> CalibratedType | None:
    return _range(*op.span) if isinstance(op, FakeQuantOp) else None


def _measured(entry: Entry | None) -> CalibratedType | None:
    return None if entry is None else _range(*entry.range)


def _passed(op: Operation, ranges: Mapping[str, CalibratedType]) -> CalibratedType | None:
    """The range that holds all tensors whose values the op passes on; None if it computes, or one has no range."""
    if not op.has_trait(PassesValues):
        return None
    given = [ranges.get(name_of(value)) for value in _passed_on(op)]
    known = [r for r in given if r is not None]
    if not known or len(known) < len(given):
        return None
    return _range(min(r.minimum.data for r in known), max(r.maximum.data for r in known))


def _passed_on(op: Operation) -> list[SSAValue]:
    return [value for value in (op.passed() if isinstance(op, TopOp) else op.operands) if is_present(value)]


def _range(low: float, high: float) -> CalibratedType:
    return CalibratedType(f32, FloatData(low), FloatData(high))


def _seal(network: Network) -> None:
    main = network.main
    block = main.body.block
    results = [value.type for value in block.last_op.operands] if block.last_op else []
    main.function_type = FunctionType.from_lists([argument.type for argument in block.args], results)
    network.module.attributes["module.state"] = StringAttr("TOP_CALIBRATED")
