"""
What a model runs, in order: stretches of the chip's two record streams, and ops of the host between them.

A chip subnet's records end with END and DMA_END, on every core. Waits count through all of a stream; the first record
of each engine in a later subnet waits for the end of the other engine's stretch before, and a core's GDMA for a SEND of
each other core before it touches global memory, so that a host op finds all records before it complete, and those after
it find its results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.casts import steps
from simulator.isa.table import Region
from simulator.onnx_host import Form

Bytes = NDArray[np.uint8]
Range = tuple[int, int]
"""Index of the first record, and of the one after the last."""


@dataclass(frozen=True)
class ChipSubnet:
    """The records of each stream that it runs: the first core's, and those of `others`."""

    tiu: Range
    gdma: Range
    others: Sequence[tuple[Range, Range]] = ()

    @property
    def cores(self) -> Sequence[tuple[Range, Range]]:
        """The records of both streams of each core."""
        return ((self.tiu, self.gdma), *self.others)

    @property
    def later(self) -> bool:
        """Whether it isn't the first."""
        return any(first for core in self.cores for first, _ in core)


@dataclass(frozen=True)
class HostValue:
    """
    A tensor that a host op reads or makes.

    It lies at byte `offset` of a region of global memory; in none (`region` is None) if only the host touches it. An
    extent of -1 isn't known until the tensor is there.
    """

    name: str
    shape: tuple[int, ...]
    form: Form
    region: Region | None = None
    offset: int = 0

    @property
    def crossing_bytes(self) -> int:
        """Its bytes in global memory: what passes between chip and host."""
        return 0 if self.region is None else prod(self.shape) * self.form.numpy.itemsize


@dataclass(frozen=True)
class HostSubnet:
    """
    An op of the host: a serialised ONNX model whose inputs and outputs are the values by position.

    `kind` has its op types, `reason` says why the chip doesn't run it, `macs` are its multiply-accumulates.
    """

    kind: str
    reason: str
    macs: int
    inputs: Sequence[HostValue]
    outputs: Sequence[HostValue]
    model: Bytes

    @property
    def name(self) -> str:
        """The first tensor it makes: what it is called by."""
        return self.outputs[0].name if self.outputs else ""

    @property
    def crossing_bytes(self) -> int:
        """Bytes that it reads from global memory, and writes there."""
        return sum(value.crossing_bytes for value in (*self.inputs, *self.outputs))


Subnet = ChipSubnet | HostSubnet


class BadSubnets(ValueError):
    """Chip subnets that don't share out the streams, in order."""


def check_ranges(subnets: Sequence[Subnet], cores: Sequence[tuple[int, int]]) -> None:
    """Chip subnets follow each other through each core's streams of so many records, to the ends. Raises BadSubnets."""
    reached = [(0, 0)] * len(cores)
    for subnet in (subnet for subnet in subnets if isinstance(subnet, ChipSubnet)):
        if len(subnet.cores) != len(cores):
            raise BadSubnets(f"subnets: one is of {len(subnet.cores)} cores, the model of {len(cores)}")
        for core, (tiu, gdma) in enumerate(subnet.cores):
            if (tiu[0], gdma[0]) != reached[core] or tiu[1] < tiu[0] or gdma[1] < gdma[0]:
                raise BadSubnets(f"subnets: records {tiu} and {gdma} don't follow {reached[core]}")
            reached[core] = tiu[1], gdma[1]
    if reached != list(cores):
        raise BadSubnets(f"subnets: they end at records {reached}, the streams at {list(cores)}")


def joined_models(subnets: Sequence[Subnet]) -> tuple[Bytes, dict[bytes, Range]]:
    """The host ops' models one after another, equal ones once, and the bytes of each there."""
    places, parts, end = dict[bytes, Range](), list[bytes](), 0
    for model in (subnet.model.tobytes() for subnet in subnets if isinstance(subnet, HostSubnet)):
        if model not in places:
            places[model] = (end, end + len(model))
            parts.append(model)
            end += len(model)
    return np.frombuffer(b"".join(parts), np.uint8), places


def described(subnet: Subnet, places: Mapping[bytes, Range]) -> dict[str, Any]:
    """A subnet in the manifest; `places` are those of models in section `host`."""
    if isinstance(subnet, ChipSubnet):
        return {"tiu": subnet.tiu, "gdma": subnet.gdma, "others": subnet.others}
    return {
        "kind": subnet.kind,
        "reason": subnet.reason,
        "macs": subnet.macs,
        "inputs": [asdict(value) for value in subnet.inputs],
        "outputs": [asdict(value) for value in subnet.outputs],
        "model": places[subnet.model.tobytes()],
    }


def parsed(entry: Mapping[str, Any], models: Bytes) -> Subnet:
    """What `described` wrote. Raises KeyError, TypeError, ValueError for anything else."""
    if "tiu" in entry:
        others = tuple((_range(tiu), _range(gdma)) for tiu, gdma in entry["others"])
        return ChipSubnet(_range(entry["tiu"]), _range(entry["gdma"]), others)
    first, last = _range(entry["model"])
    if last > models.size:
        raise BadSubnets(f"subnets: {entry['kind']} has bytes {first} to {last} of section host's {models.size}")
    inputs, outputs = (tuple(map(_value, entry[key])) for key in ("inputs", "outputs"))
    return HostSubnet(entry["kind"], entry["reason"], int(entry["macs"]), inputs, outputs, models[first:last])


def _range(pair: Sequence[int]) -> Range:
    first, last = (int(number) for number in pair)
    if not 0 <= first <= last:
        raise BadSubnets(f"subnets: no range {first} to {last}")
    return first, last


def _value(entry: Mapping[str, Any]) -> HostValue:
    region = None if entry["region"] is None else Region(entry["region"])
    told = entry["form"]
    form = Form(told["dtype"], steps(told["scale"]), steps(told["zero_point"]), told["axis"])
    return HostValue(entry["name"], tuple(entry["shape"]), form, region, entry["offset"])
