"""
Weights rounded for what they do to real data, in the deployed integer arithmetic.

Every contraction of a lowered network is rounded anew with what precedes it as the chip computes it, against what the
float network makes there. A network so rounded is kept if it is nearer to the float one on samples that it wasn't
rounded by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
from threadpoolctl import threadpool_limits
from xdsl.dialects.func import ReturnOp

from compiler.dialects.top.census import total_macs
from compiler.interpreter.results import meaning
from compiler.interpreter.run import run
from compiler.ir.network import Array, Network, name_of
from compiler.lowering.job import Contracted
from compiler.quantization.chance import is_gain
from compiler.quantization.loss import Part, parts_of
from compiler.rounding.split import LEAST, Split
from compiler.rounding.sweep import Feeds, sweep
from compiler.rounding.targets import Target, run_in_float, targets_of
from simulator.onnx_host import TEXT

RECIPES = {"followed": True, "rounded": False}
"""Ways to round a network, each by what `sweep` is told; the next is tried where one makes nothing better."""

WORK = 20 * 10**9
"""Products of all samples together: a large network is rounded by fewer samples."""

TINY = 1e-12
"""Share of the loudest row's signal that no row's error counts as less than."""

QUIET = 1e-3
"""Share of the loudest row's signal that no row's counts as less than."""

SURE = 1.0
"""Standard errors that the mean gain of samples has to be above zero."""
LEAST_GAIN = 0.1
"""The least mean gain, dB."""

FEWEST = 8
"""Samples that are used all the same."""


def reconstruct(
    network: Network, contracted: Mapping[str, Contracted], canonical: Network, feeds: Sequence[Feeds]
) -> dict[str, float]:
    """
    Change the weights and biases of int8 contractions in place, or none of them.

    `canonical` is the network in float. Returns how far the float results of the judging samples lie above what they
    are off, in dB, by recipe, `nearest` among them: the first that is surely better is kept. Empty where there is
    nothing to round, or too few samples.
    """
    if len(feeds) < LEAST or not (targets := targets_of(network, contracted)):
        return {}
    with threadpool_limits(1, "blas"):
        return _reconstructed(network, targets, canonical, feeds)


def _reconstructed(
    network: Network, targets: list[Target], canonical: Network, feeds: Sequence[Feeds]
) -> dict[str, float]:
    """By one thread, since sums that several share may differ from machine to machine, and the weights with them."""
    feeds = feeds[: max(FEWEST, WORK // max(total_macs(canonical), 1))]
    split = Split(len(feeds))
    wanted = run_in_float(canonical, feeds, split.used, targets)
    plain = {i: list(run(network, feeds[i], _unseen).values()) for i in split.judge}
    parts = parts_of(canonical)
    losses = {"nearest": _losses(network, parts, plain, wanted)}
    before, best = dict(network.weights), dict(network.weights)
    for recipe, follow in RECIPES.items():
        network.weights.update(before)
        made = sweep(network, feeds, targets, split, follow)
        losses[recipe] = _losses(network, parts, {i: made[i] for i in split.judge}, wanted)
        if is_gain(losses["nearest"] - losses[recipe], SURE, LEAST_GAIN):
            best = dict(network.weights)
            break
    network.weights.update(best)
    return {recipe: float(-of_samples.mean()) for recipe, of_samples in losses.items()}


def _unseen(value: object, array: Array) -> None:
    """Nobody looks at the tensors of a plain run."""


def _losses(network: Network, parts: list[Part], made: Mapping[int, Sequence[Array]], wanted: Sequence[Feeds]) -> Array:
    """
    Of each sample's results, as stored, how far they are off: dB above the float results' own magnitude.

    The mean over the rows of the results' parts, so that a token or a channel counts as much as any other: a network
    must not get better at padding for what is said beside it. A result whose extents depend on the data isn't looked
    at.
    """
    returned = next(op for op in network.ops if isinstance(op, ReturnOp)).operands
    told = {name_of(value): meaning(value) for value in returned}
    seen = [part for part in parts if not told[part.name].dynamic and told[part.name].dtype != TEXT]
    found = list[float]()
    for sample, arrays in made.items():
        held = {
            name: told[name].real(array) for name, array in zip(told, arrays, strict=True) if told[name].dtype != TEXT
        }
        off = [decibels(part.of(wanted[sample]), part.of(held)) for part in seen]
        found.append(sum(off) / max(len(off), 1))
    return np.array(found)


def decibels(wanted: Array, made: Array) -> float:
    """How far `made` is off, the mean over rows; quiet rows count as if they were louder."""
    signal, noise = _by_row(wanted), _by_row(wanted - made)
    most = max(float(signal.max(initial=0.0)), TINY)
    return float(10 * np.log10(np.maximum(noise, TINY * most) / np.maximum(signal, QUIET * most)).mean())


def _by_row(array: Array) -> Array:
    """Σ of squares of each row: what lies behind the first two axes, of a matrix behind the first."""
    lead = array.shape[: max(min(2, array.ndim - 1), 0)]
    return np.square(array).reshape(prod(lead), -1).sum(axis=1)
