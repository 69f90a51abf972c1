"""What the contractions of a lowered network should make, by a run of the network in float."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from xdsl.dialects.func import ReturnOp

from compiler.dialects.structure import WeightOp
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.frontends.onnx.from_top.writer import before_relu
from compiler.ir.network import Array, Network, name_of
from compiler.lowering.job import Contracted
from compiler.rounding.columns import Contraction, Places, channels, count, depth_of, results
from compiler.rounding.layer import is_whole

MOST_PLACES = 4096
"""Places of one layer that are looked at."""

NUMBERS = 1 << 21
"""Numbers that the columns of a layer have at most."""

PRODUCTS = 3e10
"""Products of weights and places of all layers together, each time that some weights are tried."""

KEPT = 1 << 27
"""Numbers that are kept of all layers' results together."""


@dataclass
class Target:
    """A contraction, what it was given, and by sample the places that are looked at and what should be there."""

    op: Contraction
    told: Contracted
    places: dict[int, Places] = field(default_factory=dict[int, Places])
    wanted: dict[int, Array] = field(default_factory=dict[int, Array])


def targets_of(network: Network, contracted: Mapping[str, Contracted]) -> list[Target]:
    """The contractions whose weights may be rounded anew: those of one op alone, and not a quantised model's."""
    readers = Counter(value for op in network.ops for value in op.operands)
    found = list[Target]()
    for op in network.ops:
        if not isinstance(op, Contraction) or not isinstance(op.operands[1].owner, WeightOp):
            continue
        told = contracted.get(name_of(op.operands[1]))
        if told and all(readers[value] == 1 for value in op.operands[1:]) and not is_whole(told.made):
            found.append(Target(op, told))
    return found


def run_in_float(
    canonical: Network, feeds: Iterable[Mapping[str, Array]], used: Sequence[int], targets: Sequence[Target]
) -> list[dict[str, Array]]:
    """Fill in the targets of the `used` samples; returns the network's float results by name, of each sample."""
    reference, made = Reference(canonical, threads=1, sums=True), list[dict[str, Array]]()
    returned = [name_of(value) for op in canonical.ops if isinstance(op, ReturnOp) for value in op.operands]
    share = min(1.0, KEPT / (MOST_PLACES * max(sum(channels(target.op) for target in targets), 1)))
    share = min(share, PRODUCTS / sum(channels(each.op) * depth_of(each.op) * _most(each.op) for each in targets))
    for sample, fed in enumerate(feeds):
        tensors = {**fed, **reference.run(fed)}
        made.append({name: tensors[name] for name in returned})
        if sample in used:
            for i, target in enumerate(targets):
                _look(target, tensors, (i, sample), share / len(used))
    return made


def _look(target: Target, tensors: Mapping[str, Array], seed: tuple[int, int], share: float) -> None:
    """Choose the places of one sample, its share of the most there may be."""
    op, told = target.op, target.told
    total = count(op)
    wanted = min(total, ceil(_most(op) * share))
    places = np.sort(np.random.default_rng(seed).choice(total, wanted, replace=False)).astype(np.int64)
    array = tensors.get(before_relu(told.of), tensors.get(told.of))
    assert array is not None, told.of
    target.places[seed[1]] = places
    target.wanted[seed[1]] = results(op, array, places)[told.channels].astype(np.float32)


def _most(op: Contraction) -> int:
    """Places of a layer that are looked at where nothing else is short."""
    return min(MOST_PLACES, NUMBERS // depth_of(op))
