"""
How fine each channel of a tensor is to be stored, beside the others: the balance between its maker and its readers.

Scales by channel cost nothing where the maker multiplies each channel anyway and the readers' constant weights absorb
them: what SmoothQuant (Xiao et al. 2023) and cross-layer equalisation (Nagel et al. 2019) do to weights, here in the
types, so that no tensor's meaning changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from xdsl.ir import Operation

from compiler.dialects.quant import CalibratedType
from compiler.dialects.structure import WeightOp
from compiler.dialects.top.base import is_present
from compiler.ir.network import Array, Network, name_of
from compiler.npz import read_npz, write_npz
from compiler.quantization.channels import Channels, Key
from compiler.quantization.columns import columns
from compiler.quantization.readers import FLOAT_MAKERS, readings
from simulator.arithmetic.compiled import compiled

COARSER = 2.0 ** (np.arange(17) / 4)
"""How many times coarser than its values ask for a channel may be."""

SWEEPS = 3
LEAST = 1e-9
"""No channel's largest magnitude counts as less."""


@dataclass(frozen=True)
class Balance:
    """
    `spans` (2, channels) of a tensor along `axis`: from where to where the steps of each channel are to reach.

    With a `zero` the tensor is u8 of this zero point, to which the spans are cut; else it is stored as by tensor.
    """

    axis: int
    spans: Array
    zero: int | None = None


def balances(network: Network, seen: Mapping[Key, Channels]) -> dict[str, Balance]:
    """
    The balance of every tensor of an annotated network that has one, by name: what norms make.

    `seen` are the statistics of tensors' channels. A channel reaches from its least to its greatest value; further
    where coarser steps make its readers' weights finer, up to the least sum of the readers' expected squared errors,
    each relative to what it makes. Results of convolutions keep the one range of the tensor: their channels' own ranges
    differ too much from data to data.
    """
    read, found = readings(network, spans(network), {}, results=True), dict[str, Balance]()
    for op in network.ops:
        if not isinstance(op, FLOAT_MAKERS) or (reading := read.get(name_of(op))) is None or reading.axis is None:
            continue
        if (known := seen.get((name_of(op), reading.axis))) is not None:
            found[name_of(op)] = _balance(op, reading.axis, known, network)
    return found


def spans(network: Network) -> dict[str, tuple[float, float]]:
    """The calibrated range of each tensor that has one, by name."""
    return {name_of(op): span for op in network.ops if (span := _span(op)) is not None}


def _span(op: Operation) -> tuple[float, float] | None:
    if isinstance(op, WeightOp) or len(op.results) != 1 or not is_present(op.results[0]):
        return None
    element = getattr(op.results[0].type, "element_type", None)
    return (element.minimum.data, element.maximum.data) if isinstance(element, CalibratedType) else None


def _balance(op: Operation, axis: int, known: Channels, network: Network) -> Balance:
    low, high = np.minimum(known.low, 0.0).astype(np.float64), np.maximum(known.high, 0.0).astype(np.float64)
    magnitudes = np.maximum(np.maximum(-low, high), LEAST)
    least = magnitudes / (127 if low.min() < 0 else 255)
    squares = known.square.astype(np.float64)
    peaks, power = [np.zeros((0, len(least)))], np.zeros(len(least))
    for each in columns(op.results[0], axis, network.weights):
        made = float((squares * each.power).sum()) or 1.0
        peaks.append(each.peak * np.sqrt(each.taps / made))
        power += each.power / made
    steps = settled(np.ascontiguousarray(np.concatenate(peaks)), squares, power, least)
    return Balance(axis, np.stack([low, high]) * (steps / least))


def settled(peak: Array, squares: Array, power: Array, least: Array) -> Array:
    """
    The step of each channel, `least` or more, of the least expected error of the readers.

    `peak` (rows, channels) and `power` (channels) are the readers' weights, `squares` the channels' mean squares. The
    error is that of the weights, each row in 127 steps of the largest of `peak · step`, and that of the steps.
    """
    starts = (least.copy(), np.full_like(least, least.max()), np.sqrt(least * least.max()))
    tried = [_descend(peak, squares, power, least, start, COARSER, SWEEPS) for start in starts]
    return min(tried, key=lambda steps: noise(peak, squares, power, steps))


def noise(peak: Array, squares: Array, power: Array, steps: Array) -> float:
    """The expected error of the readers (see `settled`) but for a factor."""
    largest = (peak * steps).max(axis=1, initial=0.0)
    return float((largest**2).sum() / 127**2 * (squares / steps**2).sum() + (power * steps**2).sum())


@compiled
def _descend(
    peak: Array, squares: Array, power: Array, least: Array, steps: Array, factors: Array, sweeps: int
) -> Array:  # pragma: no cover
    """One channel after the other, each by the best of the factors."""
    rows, channels = peak.shape
    whole = 0.0
    for c in range(channels):
        whole += squares[c] / steps[c] ** 2
    others = np.empty(rows)
    first, second, place = np.zeros(rows), np.zeros(rows), np.full(rows, -1)
    for _ in range(sweeps):
        for r in range(rows):
            first[r], second[r], place[r] = 0.0, 0.0, -1
            for c in range(channels):
                size = peak[r, c] * steps[c]
                if size > first[r]:
                    first[r], second[r], place[r] = size, first[r], c
                elif size > second[r]:
                    second[r] = size
        for c in range(channels):
            rest = whole - squares[c] / steps[c] ** 2
            for r in range(rows):
                others[r] = second[r] if place[r] == c else first[r]
            best, chosen = np.inf, steps[c]
            for factor in factors:
                step = least[c] * factor
                total = 0.0
                for r in range(rows):
                    size = max(others[r], peak[r, c] * step)
                    total += size * size
                error = total / 127.0**2 * (rest + squares[c] / step**2) + power[c] * step**2
                if error < best:
                    best, chosen = error, step
            for r in range(rows):
                size = peak[r, c] * chosen
                if place[r] == c:
                    first[r] = max(size, second[r])
                    place[r] = c if size >= second[r] else -1
                elif size > first[r]:
                    first[r], second[r], place[r] = size, first[r], c
                elif size > second[r]:
                    second[r] = size
            steps[c] = chosen
            whole = rest + squares[c] / chosen**2
    return steps


def save(path: Path, found: Mapping[str, Balance]) -> None:
    """Under `<name>@<axis>@<zero point, if it has one>` each tensor's spans, float32 (2, channels)."""
    write_npz(path, {_key(name, each): each.spans.astype(np.float32) for name, each in found.items()})


def load(path: Path) -> dict[str, Balance]:
    """The balances of a file that `save` wrote. Raises DamagedArrays."""
    made = dict[str, Balance]()
    for key, spans in read_npz(path).items():
        name, axis, zero = key.rsplit("@", 2)
        made[name] = Balance(int(axis), spans, int(zero) if zero else None)
    return made


def _key(name: str, each: Balance) -> str:
    return f"{name}@{each.axis}@{'' if each.zero is None else each.zero}"
