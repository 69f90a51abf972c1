"""Packed weights: the same results from fewer bytes on the bus."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.codegen.assemble import assemble
from compiler.codegen.compress import compressed
from compiler.ir.network import Network
from compiler.schedule.addresses import assign
from compiler.schedule.divide import divide
from simulator import events
from simulator.checks.check import check
from simulator.chip import CHIPS
from simulator.isa.table import SPECS
from simulator.model_file import Model
from simulator.runtime import PyRuntime
from tests.compiler.schedule.networks import Builder

CHIP = CHIPS["e8"]


def network() -> Network:
    """Wide and small: weights in -5…5 are most of what it loads, and their channels are cut."""
    made = Builder()
    x = made.conv(made.input(1, 40, 6, 6), 64, 3)
    x = made.conv(x, 64, 3, depthwise=True)
    return made.finish(made.conv(x, 72, 3, stride=2))


def model(seed: int | None = None) -> Model:
    """The network for e8, divided at random with a seed."""
    held = network()
    divide(held, CHIP, seed=seed)
    assign(held)
    return assemble(held, CHIP)


@pytest.mark.parametrize("seed", [None, 0, 1, 2])
def test_the_same_results_from_fewer_bytes(seed: int | None) -> None:
    """Under any tiling; the program is still sound, and delivers what it did."""
    plain = model(seed)
    packed = compressed(plain)
    assert np.any(packed.gdma["op"] == SPECS["UNPACK"].code)
    assert check(packed) == []
    feeds = {"t0": np.random.default_rng(1).normal(size=(1, 40, 6, 6)).astype(np.float32)}
    for ours, theirs in zip(PyRuntime(packed).run(None, feeds), PyRuntime(plain).run(None, feeds), strict=True):
        assert np.array_equal(ours, theirs)
    before, after = (events.run(m.tiu, m.gdma, CHIP) for m in (plain, packed))
    assert after.wire.sum() < before.wire.sum()
    assert after.payload.sum() == before.payload.sum()
    assert len(packed.weights) < 0.7 * len(plain.weights)


def test_weights_that_do_not_pack_stay_as_they_are() -> None:
    """Even ones draw: nothing is gained, so no record and no byte changes."""
    held = network()
    for name, array in held.weights.items():
        if array.dtype == np.int8:
            held.weights[name] = np.random.default_rng(0).integers(-127, 128, array.shape, np.int8)
    divide(held, CHIP)
    assign(held)
    plain = assemble(held, CHIP)
    packed = compressed(plain)
    assert np.array_equal(packed.gdma, plain.gdma)
    assert packed.weights.tobytes() == plain.weights.tobytes()
