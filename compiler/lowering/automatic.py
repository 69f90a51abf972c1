"""Method `auto` of calibration, over what lowering really stores in int8."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from compiler.dialects.structure import WeightOp
from compiler.dialects.top.base import is_present
from compiler.dialects.top.census import total_macs
from compiler.ir.network import Array, Network, name_of, shape, size
from compiler.ir.storage import is_float
from compiler.lowering.stored import stored
from compiler.lowering.walk import format_of, lower
from compiler.quantization.annotate import annotate
from compiler.quantization.auto import Search
from compiler.quantization.balanced import balanced
from compiler.quantization.channels import Channels, Key
from compiler.quantization.loss import parts_of
from compiler.quantization.qtable import Exceptions
from compiler.quantization.simulated import Simulated
from compiler.quantization.simulated_model import Choice
from compiler.quantization.table import Entry
from compiler.quantization.types import chosen

Entries = Mapping[str, Entry]

BUDGET = 2.5
"""Seconds of one core, about, that the search may take."""
PER_MAC, PER_ELEMENT, PER_TENSOR = 1e-11, 2.5e-9, 8e-6
"""Seconds of a simulated run, about: they only say how many runs there are, and every machine makes as many."""
FEWEST, MOST = 24, 2000
"""Runs."""


def runs_of(network: Network) -> int:
    """How often the network may be run in simulation for one sample."""
    tensors = (value for op in network.ops if not isinstance(op, WeightOp) for value in op.results if is_present(value))
    sizes = [size(shape(value)) for value in tensors if is_float(value)]
    seconds = total_macs(network) * PER_MAC + sum(sizes) * PER_ELEMENT + len(sizes) * PER_TENSOR
    return max(FEWEST, min(MOST, int(BUDGET / max(seconds, 1e-6))))


def automatic(
    network: Network,
    by_method: Mapping[str, Entries],
    mode: str,
    feeds: Sequence[Mapping[str, Array]],
    wanted: Sequence[Mapping[str, Array]],
    seen: Mapping[Key, Channels],
) -> tuple[dict[str, Entry], dict[str, int]]:
    """
    Of each tensor the entry, by one of the methods, that serves the results best; and how many tensors each serves.

    `feeds` are samples, `wanted` their float results, `seen` the statistics of channels. What isn't int8, or has scales
    by channel, has the entry of the first method.
    """
    first, base = next(iter(by_method.items()))
    lowered = _copy(network)
    annotate(lowered, base)
    names = {name_of(value) for op in network.ops for value in op.results}
    contracted = lower(lowered, mode, balance=balanced(lowered, seen))
    held = stored(lowered, names, contracted.values())
    candidates = {method: _types(network, entries, mode, held.types) for method, entries in by_method.items()}
    simulated = Simulated(network, held.types, 1, held.bare, held.contractions)
    search = Search(simulated, parts_of(network), candidates, feeds, wanted, runs_of(network))
    methods = {**dict.fromkeys(base, first), **search.best()}
    return {name: by_method[methods[name]][name] for name in base}, dict(Counter(methods.values()))


def _types(network: Network, entries: Entries, mode: str, held: Choice) -> Choice:
    """The types by tensor that these ranges make of those that are int8; what has a type by axis keeps it."""
    copy, scheme = _copy(network), format_of(mode).scheme
    assert scheme is not None
    annotate(copy, entries)
    made = chosen(copy, scheme, Exceptions())
    return {name: made[name] for name, own in held.items() if own.axis.data < 0 and name in made}


def _copy(network: Network) -> Network:
    return Network(network.module.clone(), dict(network.weights))
