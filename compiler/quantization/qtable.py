"""
The exceptions of a mixed network: ops that compute in another format, tensors with another threshold.

A qtable's entry names an op's result. Its value is a number format (F32, BF16, F16, W8F16, INT8) for the op, or a
positive number, the magnitude that the tensor's greatest stored value stands for in place of the calibrated one. An
input of the network may pass in a float type.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf

from xdsl.ir import Operation

from compiler.dialects.structure import InputOp, WeightOp
from compiler.dialects.top.base import PassesValues, TopOp, is_present
from compiler.ir.network import Network, name_of

MODES = ("f32", "bf16", "f16", "w8f16", "int8")
"""Formats that an op can be excepted to; w8f16: weights in 8 bits, activations in 16 (`lowering.wide`)."""

Span = tuple[float, float]
"""The least and the greatest value of a tensor."""

INPUTS = ("f32", "bf16", "f16")
"""Formats that a network's input can pass in."""


class BadQtable(ValueError):
    """A qtable names an op there is none of, a format there is none of, or a threshold that is none."""


@dataclass(frozen=True)
class Exceptions:
    """Formats by op and thresholds by tensor; empty for a network in one format."""

    formats: Mapping[str, str] = field(default_factory=dict[str, str])
    thresholds: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def floats(self) -> frozenset[str]:
        """Names of the ops that make floats of what they read."""
        return frozenset(name for name, wanted in self.formats.items() if wanted != "int8")

    def respanned(self, network: Network, spans: Mapping[str, Span]) -> dict[str, Span]:
        """
        The spans with the thresholds in them, and those of ops that only pass such values on.

        Raises BadQtable for a threshold of a tensor that calibration has not seen.
        """
        if strange := sorted(set(self.thresholds) - set(spans)):
            raise BadQtable(f"qtable: {strange[0]!r} has a threshold, but was not calibrated; leave the entry out")
        made = {name: _within(span, self.thresholds.get(name, inf)) for name, span in spans.items()}
        moved = set(self.thresholds)
        for op in network.ops:
            if op.has_trait(PassesValues) and name_of(op) in made and name_of(op) not in moved:
                given = [name for name in _operands(op) if name in made]
                if moved.intersection(given):
                    made[name_of(op)] = min(made[n][0] for n in given), max(made[n][1] for n in given)
                    moved.add(name_of(op))
        return made


def exceptions(network: Network, qtable: Mapping[str, str | float]) -> Exceptions:
    """A qtable's entries, checked against the network. Raises BadQtable."""
    ops = {name_of(op): op for op in network.ops if isinstance(op, TopOp | InputOp)}
    for name, value in qtable.items():
        if name not in ops:
            raise BadQtable(f"qtable: no tensor {name!r} in the network{_nearest(name, ops)}")
        if isinstance(value, str) and ops[name].has_trait(PassesValues) and not of_constants(ops[name]):
            raise BadQtable(f"qtable: {name!r} computes nothing and has no format; name the op that makes its values")
        if isinstance(value, str) and value.lower() not in MODES:
            raise BadQtable(f"qtable: {name!r} has the format {value!r}; there are {', '.join(MODES).upper()}")
        if not isinstance(value, str) and not 0 < value < inf:
            raise BadQtable(f"qtable: {name!r} has the threshold {value}; it has to be a positive number")
        if isinstance(ops[name], InputOp) and isinstance(value, str) and value.lower() not in INPUTS:
            raise BadQtable(
                f"qtable: {name!r}, an input, has the format {value!r}; there are {', '.join(INPUTS).upper()}"
            )
    return Exceptions(
        {name: value.lower() for name, value in qtable.items() if isinstance(value, str)},
        {name: float(value) for name, value in qtable.items() if not isinstance(value, str)},
    )


def of_constants(op: Operation) -> bool:
    """Whether an op passes on nothing but constants, as a Gather does from a table of embeddings."""
    return isinstance(op, TopOp) and all(isinstance(value.owner, WeightOp) for value in op.passed())


def _within(span: Span, threshold: float) -> Span:
    """The span that a threshold gives a tensor of these values: symmetric, or from zero where none is negative."""
    if threshold == inf:
        return span
    return (0.0 if span[0] >= 0 else -threshold), threshold


def _operands(op: Operation) -> list[str]:
    return [name_of(value) for value in op.operands if is_present(value)]


def _nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 3)
    return f"; the nearest are {', '.join(near)}" if near else ""
