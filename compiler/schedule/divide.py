"""A network divided into layer groups."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.ir import Operation

from compiler.dialects.tpu.base import TpuOp
from compiler.ir.network import Network
from compiler.schedule.nodes import node_of
from compiler.schedule.plan import Plan
from compiler.schedule.rewrite import regroup
from compiler.schedule.single import smallest
from compiler.schedule.views import views
from simulator.chip import Chip


def divide(network: Network, chip: Chip, progress: Callable[[int, int], None]) -> None:
    """Rewrite `main` as layer groups; `progress` is told ops done and ops there are. Raises DoesNotFit."""
    kept = views(network)
    ops = [op for op in network.ops if isinstance(op, TpuOp)]
    parts = list[Plan | Operation]()
    for done, op in enumerate(ops, 1):
        parts.append(op if op in kept else smallest(node_of(op), chip))
        progress(done, len(ops))
    regroup(network, parts)
