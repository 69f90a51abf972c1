"""What a Top network amounts to: ops by type, MACs, FLOPs."""

from __future__ import annotations

from collections import Counter

from compiler.dialects.top.base import TopOp
from compiler.ir.network import Network


def computing_ops(network: Network) -> list[TopOp]:
    """The Top ops that compute something, in order."""
    return [op for op in network.ops if isinstance(op, TopOp)]


def count_ops(network: Network) -> Counter[str]:
    """How many computing ops of each name there are."""
    return Counter(op.name for op in computing_ops(network))


def total_macs(network: Network) -> int:
    """Multiply-accumulates of one inference of a ranked network."""
    return sum(op.macs() for op in computing_ops(network))


def total_flops(network: Network) -> int:
    """Floating-point operations of one inference of a ranked network, as TPU-MLIR counts `module.FLOPs`."""
    return sum(op.flops() for op in computing_ops(network))
