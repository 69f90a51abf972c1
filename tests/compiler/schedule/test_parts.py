"""Ops in parts: weights that local memory can't hold stream past activations that stay."""

from __future__ import annotations

from compiler.schedule.divide import divide
from compiler.schedule.plan import Plan
from compiler.schedule.report import rows
from simulator.chip import Chip
from tests.compiler.schedule.networks import convolutions

CHIP = Chip("small", 1, 4, 2048, 8, 8, 2, 1e9, 1e9)
"""Four lanes of 2 KiB."""

WEIGHTS = 3 * (40 * 40 * 3 * 3 + 40 * 12)
"""Bytes of three layers' weights: five times the chip's local memory, each of them nearly twice."""

PIXELS = 5 * 5 * 40
"""Bytes of a layer's result."""


def test_every_weight_is_loaded_once_and_no_activation_is_stored_on_the_way() -> None:
    plans = [part for part in divide(convolutions(40, 5), CHIP) if isinstance(part, Plan)]
    assert all(slices.parts > 1 for plan in plans for slices in plan.results.values())
    assert sum(row["bytes"] for row in rows(plans, CHIP)) == WEIGHTS + 2 * PIXELS
