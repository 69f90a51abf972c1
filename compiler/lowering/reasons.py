"""Why an op of an int8 network is computed in float, as far as can be told before it is lowered."""

from __future__ import annotations

from collections.abc import Collection

from xdsl.ir import SSAValue

from compiler.dialects.quant import CalibratedType
from compiler.dialects.structure import WeightOp
from compiler.dialects.top.base import PassesValues, TopOp, is_present
from compiler.ir.network import Network, name_of, tensor
from compiler.lowering.answers import to_int8
from compiler.quantization.float_ops import is_root_of_sum, stays_float


def float_reasons(network: Network, listed: Collection[str] = ()) -> dict[str, str]:
    """
    By tensor name, what would keep each op of a calibrated Top network out of int8.

    `listed` are the tensors whose format a qtable sets. An op that nothing here keeps out may still have a rule that
    prefers f32; one that only passes values on is as its operands are, and has no entry.
    """
    ops = (op for op in network.ops if isinstance(op, TopOp) and not op.has_trait(PassesValues))
    return {name_of(op): _reason(op, listed) for op in ops}


def _reason(op: TopOp, listed: Collection[str]) -> str:
    if name_of(op) in listed:
        return "set by the qtable"
    if to_int8.answer_of(type(op)) is None:
        return f"no int8 rule for {op.name}"
    if is_root_of_sum(op):
        return "the root of a sum, where small counts as large does"
    if stays_float(op, dict.fromkeys(listed, "f32")):
        return "serves float ops alone"
    strange = [name_of(value) for value in (*op.results, *op.operands) if not _has_range(value)]
    return f"{strange[0]} isn't calibrated" if strange else f"the int8 rule of {op.name} leaves this one to f32"


def _has_range(value: SSAValue) -> bool:
    fixed = not is_present(value) or isinstance(value.owner, WeightOp)
    return fixed or isinstance(tensor(value).element_type, CalibratedType)
