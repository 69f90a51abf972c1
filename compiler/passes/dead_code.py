"""`dead-code`: what no result depends on goes, weights included; the network's inputs stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.func import ReturnOp
from xdsl.rewriter import Rewriter

from compiler.dialects.host import HostOp
from compiler.dialects.structure import InputOp, WeightOp
from compiler.ir.network import Network, name_of
from compiler.passes.network_pass import NetworkPass


@dataclass(frozen=True)
class DeadCode(NetworkPass):
    """From the last op to the first, so that one walk is enough."""

    name: ClassVar[str] = "dead-code"

    def rewrite(self, network: Network) -> None:
        for op in reversed(list(network.ops)):
            if not isinstance(op, InputOp | ReturnOp) and not any(result.uses for result in op.results):
                Rewriter.erase_op(op)
        used = {name_of(op) for op in network.ops if isinstance(op, WeightOp)}
        used |= {op.model.data for op in network.ops if isinstance(op, HostOp)}
        for name in network.weights.keys() - used:
            del network.weights[name]
