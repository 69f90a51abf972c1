"""One pass over real inputs: histograms, channels and the spans of samples of every tensor."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from compiler.dialects.structure import WeightOp
from compiler.dialects.top.base import is_present
from compiler.dialects.top.movement import PermuteOp, View
from compiler.feeds import BadData
from compiler.ir.network import Array, Network, name_of
from compiler.ir.storage import is_float
from compiler.quantization import channels
from compiler.quantization.behind import Function, range_behind
from compiler.quantization.channels import Channels, Key
from compiler.quantization.histogram import Histogram
from compiler.quantization.table import Entry
from compiler.quantization.thresholds import CANDIDATES, Range, range_of

Span = tuple[float, float]


class Runner(Protocol):
    """What runs the network in float: feeds by input name to every tensor by name, in order."""

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Every tensor the network computes."""
        ...


@dataclass(frozen=True)
class Plan:
    """
    What is measured of a network.

    `tensors` are its float tensors, inputs first; each is counted as the tensor that `counted` names, which has the
    same values, mostly itself. `axes` are those of the channels that are looked at (`channels.axes`). `results` are the
    network's.
    """

    counted: Mapping[str, str]
    axes: Mapping[str, tuple[int, ...]]
    results: Collection[str] = ()

    @classmethod
    def of(cls, network: Network) -> Plan:
        """All there is."""
        counted = dict[str, str]()
        for op in network.ops:
            for value in op.results:
                if isinstance(op, WeightOp) or not is_present(value) or not is_float(value):
                    continue
                source = name_of(op.input) if isinstance(op, View | PermuteOp) else name_of(value)
                counted[name_of(value)] = counted.get(source, name_of(value))
        found = channels.axes(network)
        returned = network.main.body.block.last_op
        results = [name_of(value) for value in returned.operands] if returned else []
        return cls(counted, {name: found[name] for name in counted if name in found}, results)

    @property
    def unread(self) -> list[str]:
        """Tensors that nothing has to be known of by itself."""
        views = (name for name, source in self.counted.items() if name != source and name not in self.axes)
        return [name for name in views if name not in self.results]


@dataclass
class Measured:
    """
    What the samples showed, by tensor name in the network's order.

    `spans` has for each batch the least and the greatest value of the tensor, one after the other.
    """

    histograms: dict[str, Histogram] = field(default_factory=dict[str, Histogram])
    channels: dict[Key, Channels] = field(default_factory=dict[Key, Channels])
    spans: dict[str, array[float]] = field(default_factory=dict[str, "array[float]"])


def collect(
    network: Runner,
    plan: Plan,
    batches: Iterator[dict[str, Array]],
    total: int,
    bins: int,
    progress: Callable[[int, int], None],
) -> Measured:
    """
    What the plan asks of every input and computed tensor of floats; integers aren't quantised.

    A batch is looked at by a second thread while the next one runs; no more than two are in memory. Raises BadData,
    naming tensor and batch, where a value isn't finite.
    """
    found = Measured()
    looking: Future[None] | None = None
    with ThreadPoolExecutor(1) as second:
        for i, feeds in enumerate(batches):
            tensors = feeds | network.run(feeds)
            if looking is not None:
                looking.result()
            looking = second.submit(_look, tensors, plan, bins, i, found)
            progress(i + 1, total)
        if looking is not None:
            looking.result()
    order = {name: source for name, source in plan.counted.items() if source in found.histograms}
    return Measured(
        {name: found.histograms[source] for name, source in order.items()},
        found.channels,
        {name: found.spans[source] for name, source in order.items()},
    )


def entries(
    histograms: Mapping[str, Histogram],
    method: str,
    asymmetric: bool = False,
    behind: Mapping[str, Function] | None = None,
) -> dict[str, Entry]:
    """
    The table's entries by the method; none of a tensor that never had an element. Raises UnknownMethod.

    `behind` has the functions of what only tables read, whose types have zero points (`quantization.behind`): `mse` is
    then that of their results.
    """
    functions = (behind or {}) if method == "mse" else {}
    made, ranges = dict[str, Entry](), dict[int, Range]()
    for name, h in histograms.items():
        if h.low <= h.high:
            # Views share the histogram of what they view.
            if id(h) not in ranges:
                ranges[id(h)] = range_of(method, h, asymmetric)
            kept = range_behind(functions[name], h) if name in functions else ranges[id(h)]
            made[name] = Entry.keeping(*kept, (h.low, h.high))
    return made


def candidates(
    histograms: Mapping[str, Histogram], asymmetric: bool, behind: Mapping[str, Function]
) -> dict[str, dict[str, Entry]]:
    """
    The entries by each method that `auto` chooses between; none keeps less of a tensor than the first does.

    By themselves the methods see to that, but not where the first looks behind a table and they don't.
    """
    made = {method: entries(histograms, method, asymmetric, behind) for method in CANDIDATES}
    least = made[CANDIDATES[0]]
    return {
        method: {name: entry.reaching(*least[name].range) for name, entry in by_name.items()}
        for method, by_name in made.items()
    }


def _look(tensors: Mapping[str, Array], plan: Plan, bins: int, batch: int, found: Measured) -> None:
    for name, source in plan.counted.items():
        if name not in tensors or (x := tensors[name]).dtype != np.float32:
            continue
        span: Span | None = None
        for axis in plan.axes.get(name, ()) if x.size else ():
            if (name, axis) not in found.channels:
                found.channels[name, axis] = Channels.empty(x.shape[axis])
            span = found.channels[name, axis].add(x, axis)
        if name == source:
            _count(name, x, span, bins, batch, found)


def _count(name: str, x: Array, span: Span | None, bins: int, batch: int, found: Measured) -> None:
    if span is None:
        span = (float(x.min()), float(x.max())) if x.size else (0.0, 0.0)
    try:
        found.histograms.setdefault(name, Histogram(bins)).add(x, span)
    except ValueError as error:
        raise BadData(f"tensor {name!r} in batch {batch}: {error}; look at that sample, or the model") from None
    found.spans.setdefault(name, array("f")).extend(span)
