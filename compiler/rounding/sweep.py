"""Once through a lowered network, op by op with all samples, its contractions rounded on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue

from compiler.dialects.tpu.base import Activated
from compiler.interpreter.run import results_of
from compiler.ir.network import Array, Network, name_of
from compiler.ir.storage import is_quantised, scales_of, uniform
from compiler.rounding.columns import columns
from compiler.rounding.layer import Layer, Rounded
from compiler.rounding.split import Split
from compiler.rounding.targets import Target

Feeds = Mapping[str, Array]
Values = dict[SSAValue, Array]


def sweep(
    network: Network, feeds: Sequence[Feeds], targets: Sequence[Target], split: Split, follow: bool
) -> list[list[Array]]:
    """
    Round the targets' weights anew in the order of the network, each for what its inputs are by then.

    `follow` as in `Layer.rounded`. The network's weights are changed in place. Returns its results of each sample, as
    stored.
    """
    due: Mapping[Operation, Target] = {target.op: target for target in targets}
    values = list[Values]({} for _ in feeds)
    for op in _stepwise(network, values):
        if isinstance(op, ReturnOp):
            return [[held[value] for value in op.operands] for held in values]
        if op in due:
            layer = _layer(due[op], values, split)
            if (made := layer.rounded(follow)) is not None:
                _store(network, due[op], made)
                for held in values:
                    held |= {value: network.weights[name_of(value)] for value in op.operands[1:3]}
        for held, fed in zip(values, feeds, strict=True):
            held |= zip(op.results, results_of(network, op, held, fed), strict=True)
    raise ValueError("the function has no return")


def _stepwise(network: Network, values: Sequence[Values]) -> Iterator[Operation]:
    """The ops in order; what nobody reads any more is dropped from the samples' `values` behind each."""
    uses = Counter(value for op in network.ops for value in op.operands)
    for op in network.ops:
        yield op
        for value in op.operands:
            uses[value] -= 1
            if not uses[value]:
                for held in values:
                    held.pop(value, None)


def _layer(target: Target, values: Sequence[Values], split: Split) -> Layer:
    op, held = target.op, list[Array]()
    for sample in split.used:
        held.append(np.full(len(target.places[sample]), split.held(sample)))
    met = [columns(op, values[sample][op.input], target.places[sample]) for sample in split.used]
    wanted = [target.wanted[sample] for sample in split.used]
    return Layer(target.told.made, np.concatenate(met, 2), np.concatenate(wanted, 1), np.concatenate(held), _limits(op))


def _limits(op: Activated) -> tuple[Array, Array]:
    """The lowest and the highest number that the result can be, (1, 1) or by channel (oc, 1): by its Relu, its type."""
    most = op.relu_limit.value.data
    low, high = (0.0, most if most > 0 else np.inf) if op.do_relu else (-np.inf, np.inf)
    if not is_quantised(op.output):
        return np.array([[low]]), np.array([[high]])
    kind = uniform(op.output)
    zeros, steps = np.array([[zero.data] for zero in kind.zero_points]), scales_of(kind)[:, None]
    return np.maximum((kind.minimum.data - zeros) * steps, low), np.minimum((kind.maximum.data - zeros) * steps, high)


def _store(network: Network, target: Target, made: Rounded) -> None:
    weights, params = map(name_of, target.op.operands[1:3])
    network.weights[weights] = made.weights.reshape(network.weights[weights].shape)
    told = network.weights[params].copy()
    told[..., 0] = made.bias.reshape(told[..., 0].shape)
    network.weights[params] = told
