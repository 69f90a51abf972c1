"""
The first bad layer, and where its noise comes from.

Noise to signal, as powers, is told apart by where it arises: what an op makes itself (its local noise), what comes with
its operands, and what it does to that. A sum carries the noise of all its operands over to its own signal; any other op
is taken to leave its operands' noise to signal as it is. So a difference that cancels, or an exponent, shows as an op
that *amplifies*. Along the way from the network's input each op adds what it makes; those parts are the shares.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compiler.quant_report.layers import Layer
from compiler.quant_report.noise import Noise

BOUND_DB = 20.0
"""Accumulated signal to noise below which a tensor is bad: a tenth of its magnitude is error."""

MENDING_DB = 30.0
"""From where on an op isn't bad, whatever it does to its operands' noise."""

AMPLIFIED = 4.0
"""How many times more noise than explained, as a power, makes an op amplify: 6 dB."""

SUMS = frozenset({"Add", "Sub", "Concat"})
"""Ops whose noise is the sum of their operands'."""

OWN, AMPLIFIES, CARRIES = "own", "amplifies", "carries"


@dataclass(frozen=True)
class Origin:
    """
    What one tensor adds to the noise to signal, as powers: its `own`, and the `rest` that nothing explains.

    `carried` came with its operands, most of it with `source`; `kind` says which of the three is the most.
    """

    tensor: str
    kind: str
    own: float
    carried: float
    rest: float
    source: str | None

    @property
    def made(self) -> float:
        """The noise to signal that arises here."""
        return self.own + self.rest


@dataclass(frozen=True)
class Blame:
    """The first bad layer, and the tensors from it up that its noise came through, to the network's input."""

    first: str
    path: tuple[Origin, ...]

    @property
    def shares(self) -> list[tuple[Origin, float]]:
        """The path with the part of the noise that arises at each, the largest first."""
        whole = sum(origin.made for origin in self.path)
        parts = [(origin, origin.made / whole if whole else 0.0) for origin in self.path]
        return sorted(parts, key=lambda part: -part[1])


def blame(rows: Sequence[Layer], noise: Mapping[str, Noise]) -> Blame | None:
    """
    The first row that is bad, traced up by the operand that brings the most; None if none is bad.

    What is inner is no layer of its own.
    """
    origins = {row.tensor: origin(row, noise) for row in rows}
    first = next((row for row in rows if not row.inner and _is_bad(row, origins[row.tensor])), None)
    if first is None:
        return None
    path = [origins[first.tensor]]
    while (source := path[-1].source) is not None:
        path.append(origins[source])
    return Blame(first.tensor, tuple(path))


def origin(row: Layer, noise: Mapping[str, Noise]) -> Origin:
    """Where the noise of one row comes from."""
    total, own, carried = noise[row.tensor].total_ratio, noise[row.tensor].local_ratio, _carried(row, noise)
    source = max(carried, key=carried.__getitem__, default=None)
    brought = sum(carried.values())
    if not all(map(math.isfinite, (total, own, brought))):
        return Origin(row.tensor, OWN, 1.0, 0.0, 0.0, source)
    kind = AMPLIFIES if total > AMPLIFIED * (own + brought) else OWN if own >= brought else CARRIES
    return Origin(row.tensor, kind, own, brought, max(0.0, total - own - brought) if kind == AMPLIFIES else 0.0, source)


def _is_bad(row: Layer, origin: Origin) -> bool:
    return row.total_db < BOUND_DB or (row.total_db < MENDING_DB and origin.kind == AMPLIFIES)


def _carried(row: Layer, noise: Mapping[str, Noise]) -> dict[str, float]:
    """By operand, the noise to signal that it brings; of an op that is no sum only the noisiest counts."""
    found = noise[row.tensor]
    if row.op in SUMS:
        return {name: noise[name].total / found.signal if found.signal else 0.0 for name in row.operands}
    ratios = {name: noise[name].total_ratio for name in row.operands}
    worst = max(ratios, key=ratios.__getitem__, default=None)
    return {} if worst is None else {worst: ratios[worst]}
