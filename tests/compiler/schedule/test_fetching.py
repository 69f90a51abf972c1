"""What is laid out anew is fetched in whole rows, whichever axis they are along in the result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from compiler.codegen.assemble import assemble
from compiler.schedule.addresses import assign
from compiler.schedule.divide import divide
from compiler.schedule.fetching import fetching_order
from simulator.chip import CHIPS
from simulator.runtime import PyRuntime
from tests.compiler.lowering.nodes import lowered, node


def test_the_shortest_stride_is_named_last_and_channels_are_lanes() -> None:
    assert fetching_order((2, 3, 4, 5), (60, 20, 5, 1)) == (0, 1, 2, 3)
    assert fetching_order((5, 3, 4, 2), (1, 20, 5, 60)) == (3, 1, 2, 0)
    assert fetching_order((5, 3, 1, 1), (1, 5, 1, 1)) == (2, 1, 3, 0), "axes of one element don't cut a row"


@pytest.mark.parametrize(
    ("dims", "order"), [((40, 48), (1, 0)), ((1, 20, 24, 16), (0, 3, 1, 2)), ((2, 4, 32, 64), (0, 1, 3, 2))]
)
def test_few_bytes_are_fetched_in_vain(dims: Sequence[int], order: Sequence[int]) -> None:
    """A burst is 64 bytes: element by element, sixteen times as much would be on the bus."""
    network, chip = lowered(node("Transpose", np.zeros(dims, np.float32), perm=order)), CHIPS["x64"]
    divide(network, chip)
    assign(network)
    total = PyRuntime(assemble(network, chip)).profile().total
    assert total.wire_bytes <= 1.5 * (total.load_bytes + total.store_bytes)
