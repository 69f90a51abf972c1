"""Equal weights of an unrolled network become one, whatever their names, and numbers stay."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import f32

from compiler.dialects.structure import WeightOp
from compiler.interpreter.run import run
from compiler.ir.network import Array, Network, name_of
from compiler.lowering.equal_weights import merge_equal_weights
from tests.compiler.schedule.networks import Builder


def steps() -> Network:
    """A convolution three times over, the third time with other bytes."""
    b = Builder(f32)
    x = b.input(1, 4, 5, 5)
    for _ in range(3):
        x = b.conv(x, 4, 3)
    network = b.finish(x)
    filters, params = list(network.weights)[::2], list(network.weights)[1::2]
    for first, *rest in (filters, params):
        for name in rest:
            network.weights[name] = network.weights[first].copy()
    network.weights[filters[-1]][0, 0, 0, 0] += 1
    return network


def tensors(network: Network, feeds: dict[str, Array]) -> dict[str, Array]:
    """Every tensor by name."""
    found = dict[str, Array]()
    run(network, feeds, lambda op, made: found.__setitem__(name_of(op), made))
    return found


def test_equal_weights_are_one() -> None:
    network = steps()
    feeds: dict[str, Array] = {"t0": np.random.default_rng(0).normal(size=(1, 4, 5, 5)).astype(np.float32)}
    before = tensors(network, feeds)
    merge_equal_weights(network)
    network.module.verify()
    kept = [name_of(op) for op in network.ops if isinstance(op, WeightOp)]
    assert len(kept) == 3, "two filters and one bias"
    assert set(network.weights) == set(kept)
    after = tensors(network, feeds)
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)
