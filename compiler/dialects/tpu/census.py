"""What a Tpu network amounts to: ops by type, casts, and the islands of float in a quantised sea."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import CastOp, ElementwiseOp
from compiler.ir.network import Network, name_of
from compiler.ir.storage import is_quantised, storage


def computing_ops(network: Network) -> list[TpuOp]:
    """The Tpu ops, in order."""
    return [op for op in network.ops if isinstance(op, TpuOp)]


def by_type(network: Network) -> list[dict[str, Any]]:
    """How many ops of each name make each type."""
    kinds = Counter((op.name, str(storage(op.output))) for op in computing_ops(network))
    return [{"op": op, "type": kind, "count": count} for (op, kind), count in sorted(kinds.items())]


def is_float(op: TpuOp) -> bool:
    """Whether the op makes a float tensor."""
    return storage(op.output).kind not in "iu"


def is_cast(op: TpuOp) -> bool:
    """Whether the op brings numbers from one type to another: a cast, or a formula whose result is quantised."""
    return isinstance(op, CastOp) or (isinstance(op, ElementwiseOp) and is_quantised(op.output))


def float_islands(network: Network, reasons: Mapping[str, str]) -> list[dict[str, Any]]:
    """
    The maximal connected runs of ops that make floats, casts at their edges apart: a row each, in program order.

    `reasons` tells by tensor name why an op isn't quantised; a row has those of its ops, each once.
    """
    leader = dict[TpuOp, TpuOp]()

    def find(op: TpuOp) -> TpuOp:
        while leader[op] is not op:
            leader[op] = op = leader[leader[op]]
        return op

    for op in computing_ops(network):
        if not is_float(op):
            continue
        leader[op] = op
        for value in op.operands:
            if isinstance(value.owner, TpuOp) and value.owner in leader:
                # The earlier op leads, so that an island is named by its first.
                leader[find(op)] = find(value.owner)
    islands = dict[TpuOp, list[TpuOp]]()
    for op in leader:
        if not isinstance(op, CastOp):
            islands.setdefault(find(op), []).append(op)
    return [_row(ops, reasons) for ops in islands.values()]


def _row(ops: list[TpuOp], reasons: Mapping[str, str]) -> dict[str, Any]:
    why = dict.fromkeys(reasons[name_of(op)] for op in ops if name_of(op) in reasons)
    return {
        "first": name_of(ops[0]),
        "ops": len(ops),
        "kinds": ", ".join(dict.fromkeys(op.name.removeprefix("tpu.") for op in ops)),
        "why": "; ".join(why) or "unknown",
    }
