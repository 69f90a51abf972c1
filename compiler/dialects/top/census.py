"""What a Top network amounts to: ops by type, parameters, MACs, FLOPs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from compiler.dialects.host import HostOp
from compiler.dialects.structure import WeightOp
from compiler.dialects.top.base import TopOp
from compiler.ir.network import Network, name_of


def computing_ops(network: Network) -> list[TopOp]:
    """The Top ops that compute something, in order."""
    return [op for op in network.ops if isinstance(op, TopOp)]


def count_ops(network: Network) -> Counter[str]:
    """How many computing ops of each name there are."""
    return Counter(op.name for op in computing_ops(network))


def by_kind(network: Network, *, ranked: bool) -> list[dict[str, Any]]:
    """Count, parameters and, of a ranked network, MACs of the ops of each name, the most frequent first."""
    parameters, macs = Counter[str](), Counter[str]()
    for op in computing_ops(network):
        held = {name_of(value) for value in op.operands if isinstance(value.owner, WeightOp)}
        parameters[op.name] += sum(network.weights[name].size for name in held)
        macs[op.name] += op.macs() if ranked else 0
    return [
        {"op": kind, "count": count, "parameters": parameters[kind], **({"macs": macs[kind]} if ranked else {})}
        for kind, count in count_ops(network).most_common()
    ]


def total_macs(network: Network) -> int:
    """Multiply-accumulates of one inference of a ranked network, those of host ops included."""
    aside = sum(op.macs.value.data for op in network.ops if isinstance(op, HostOp))
    return aside + sum(op.macs() for op in computing_ops(network))


def total_flops(network: Network) -> int:
    """Floating-point operations of one inference of a ranked network, as TPU-MLIR counts `module.FLOPs`."""
    return sum(op.flops() for op in computing_ops(network))
