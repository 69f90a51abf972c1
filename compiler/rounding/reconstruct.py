"""
Weights rounded for what they do to real data, in the deployed integer arithmetic.

Every contraction of a lowered network is rounded anew with what precedes it as the chip computes it, against what the
float network makes there. A network so rounded is kept if it is nearer to the float one on samples that it wasn't
rounded by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.dialects.func import ReturnOp

from compiler.dialects.top.census import total_macs
from compiler.interpreter.results import meaning
from compiler.interpreter.run import run
from compiler.ir.network import Array, Network, name_of
from compiler.lowering.job import Contracted
from compiler.quantization.loss import Loss, Part, parts_of
from compiler.rounding.split import LEAST, Split
from compiler.rounding.sweep import Feeds, sweep
from compiler.rounding.targets import run_in_float, targets_of
from simulator.onnx_host import TEXT

RECIPES = {"followed": True, "rounded": False}
"""Ways to round a network, each by what `sweep` is told; the next is tried where one makes nothing better."""

WORK = 20 * 10**9
"""Products of all samples together: a large network is rounded by fewer samples."""

LEAST_SHARE = 1e-12
"""No result's error counts as less."""

FEWEST = 8
"""Samples that are used all the same."""


def reconstruct(
    network: Network, contracted: Mapping[str, Contracted], canonical: Network, feeds: Sequence[Feeds]
) -> dict[str, float]:
    """
    Change the weights and biases of int8 contractions in place, or none of them.

    `canonical` is the network in float. Returns the error of the results, of the judging samples, by recipe, `nearest`
    among them: the least is what is kept. Empty where there is nothing to round, or too few samples.
    """
    if len(feeds) < LEAST or not (targets := targets_of(network, contracted)):
        return {}
    feeds = feeds[: max(FEWEST, WORK // max(total_macs(canonical), 1))]
    split = Split(len(feeds))
    wanted = run_in_float(canonical, feeds, split.used, targets)
    plain = {i: list(run(network, feeds[i], _unseen).values()) for i in split.judge}
    parts = parts_of(canonical)
    errors = {"nearest": _error(network, parts, plain, wanted)}
    before, best = dict(network.weights), dict(network.weights)
    for recipe, follow in RECIPES.items():
        network.weights.update(before)
        made = sweep(network, feeds, targets, split, follow)
        errors[recipe] = _error(network, parts, {i: made[i] for i in split.judge}, wanted)
        if errors[recipe] < errors["nearest"]:
            best = dict(network.weights)
            break
    network.weights.update(best)
    return errors


def _unseen(value: object, array: Array) -> None:
    """Nobody looks at the tensors of a plain run."""


def _error(network: Network, parts: list[Part], made: Mapping[int, Sequence[Array]], wanted: Sequence[Feeds]) -> float:
    """
    Of some samples' results, stored: the square of what they are off as a share of the float results' own.

    The geometric mean over the parts of the results, so that each counts however large it is; one whose extents depend
    on the data isn't looked at.
    """
    returned = next(op for op in network.ops if isinstance(op, ReturnOp)).operands
    told = {name_of(value): meaning(value) for value in returned}
    seen = {name for name, each in told.items() if not each.dynamic and each.dtype != TEXT}
    loss = Loss([part for part in parts if part.name in seen])
    for sample, arrays in made.items():
        held = dict(zip(told, arrays, strict=True))
        loss.add(wanted[sample], {name: told[name].real(held[name]) for name in seen})
    shares = np.maximum(loss.noise, LEAST_SHARE * loss.signal) / np.maximum(loss.signal, LEAST_SHARE)
    return float(np.exp(np.log(np.maximum(shares, LEAST_SHARE)).mean())) if loss.parts else 0.0
