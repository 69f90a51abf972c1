"""Ranges that a quantised model states itself: calibration doesn't ask samples for them."""

from __future__ import annotations

from compiler.dialects.top.quantised import FakeQuantOp
from compiler.ir.network import Network, name_of
from compiler.quantization.table import Entry


def stated(network: Network) -> dict[str, Entry]:
    """The entry of each tensor that the network rounds to steps, by name: from the lowest step to the highest."""
    spans = {name_of(op): op.span for op in network.ops if isinstance(op, FakeQuantOp)}
    return {name: Entry(max(-low, high), low, high) for name, (low, high) in spans.items()}
