"""The subnets of an addressed network: its layer groups as stretches of two streams, its host ops between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, IntegerAttr
from xdsl.ir import SSAValue

from compiler.codegen.meeting import meet
from compiler.codegen.operands import address
from compiler.codegen.step import Made, Node, Step
from compiler.codegen.steps import steps
from compiler.codegen.streams import streams
from compiler.dialects.host import HostOp
from compiler.dialects.tpu.group import GroupOp, YieldOp
from compiler.ir.forms import form
from compiler.ir.network import Network, Shape, name_of, shape, tensor
from compiler.schedule.addresses import region_bytes
from simulator.chip import Chip
from simulator.cores import Streams
from simulator.isa.record import Records, encode
from simulator.isa.table import Engine, Region
from simulator.subnets import ChipSubnet, HostSubnet, HostValue, Range, Subnet


@dataclass(frozen=True)
class Core:
    """
    One core's tiles in order, its streams with their waits, and each node's 1-based place there.

    `made` are the slices that the tiles complete, with the operands where they are in the end.
    """

    tiles: list[Step]
    streams: Streams
    position: dict[Node, int]
    made: list[Made]


@dataclass(frozen=True)
class Program:
    """What each core of the chip does, and the subnets of the network."""

    cores: list[Core]
    subnets: list[Subnet]


Stretch = list[list[list[Step]]]
"""Neighbouring groups, each as every core's tiles of it."""


def program(network: Network, chip: Chip) -> Program:
    """The streams, each chip subnet's first records waiting for the other engine's end of the subnet before."""
    parts = list(_parts(network))
    runs = [_stretch(part, chip) for part in parts if not isinstance(part, HostOp)]
    if chip.cores > 1:
        lengths = accumulate(len(run) for run in runs)
        sizes = {region: region_bytes(network, region) for region in (Region.ACTIVATION, Region.IO)}
        meet([group for run in runs for group in run], frozenset(lengths), chip, sizes)
    made = [_core([list(chain(*(group[core] for group in run))) for run in runs], chip) for core in range(chip.cores)]
    ranges = zip(*(stretches for _, stretches in made), strict=True)
    subnets = [_host(part, network) if isinstance(part, HostOp) else _subnet(next(ranges)) for part in parts]
    return Program([core for core, _ in made], subnets)


def _stretch(groups: Sequence[GroupOp], chip: Chip) -> Stretch:
    return [[list(steps(group, chip, core)) for core in range(chip.cores)] for group in groups]


def _core(stretches: Sequence[list[Step]], chip: Chip) -> tuple[Core, list[tuple[Range, Range]]]:
    """A core's stretches one after another, and which records of its streams each has."""
    position, ranges = dict[Node, int](), list[tuple[Range, Range]]()
    made: dict[Engine, list[Records]] = {engine: [encode([])] for engine in Engine}
    before, slices = dict.fromkeys(Engine, 0), list[Made]()
    for stretch in stretches:
        own = streams(stretch, chip)
        made[Engine.TIU].append(_after(own.tiu, before[Engine.GDMA]))
        made[Engine.GDMA].append(_after(own.gdma, before[Engine.TIU]))
        slices += own.made
        position |= {node: place + before[node.command.engine] for node, place in own.position.items()}
        ends = {Engine.TIU: before[Engine.TIU] + len(own.tiu), Engine.GDMA: before[Engine.GDMA] + len(own.gdma)}
        ranges.append(((before[Engine.TIU], ends[Engine.TIU]), (before[Engine.GDMA], ends[Engine.GDMA])))
        before = ends
    tiu, gdma = (np.concatenate(made[engine]) for engine in Engine)
    return Core(list(chain(*stretches)), Streams(tiu, gdma), position, slices), ranges


def _subnet(ranges: Sequence[tuple[Range, Range]]) -> ChipSubnet:
    (tiu, gdma), *others = ranges
    return ChipSubnet(tiu, gdma, tuple(others))


def name_at_rest(value: SSAValue) -> str:
    """The tensor's name; a group's result has that of what it stores."""
    if isinstance(value.owner, GroupOp):
        last = value.owner.body.block.last_op
        assert isinstance(last, YieldOp), last
        return name_of(last.inputs[value.owner.outputs.index(value)])
    return name_of(value)


def stated_shape(value: SSAValue) -> Shape:
    """A tensor's extents, -1 for one that isn't known until it is there."""
    return tuple(-1 if extent == DYNAMIC_INDEX else extent for extent in shape(value))


def _parts(network: Network) -> Iterator[Sequence[GroupOp] | HostOp]:
    """Groups as far as no host op comes between them; one empty run of them if there is neither."""
    run, found = list[GroupOp](), False
    for op in network.ops:
        if isinstance(op, GroupOp):
            run.append(op)
        elif isinstance(op, HostOp):
            if run:
                yield run
            yield op
            run, found = list[GroupOp](), True
    if run or not found:
        yield run


def _after(records: Records, others: int) -> Records:
    """Records whose waits count on from `others` records of the other engine, which come before all of them."""
    waits = records["wait"]
    waits[(waits > 0) | (np.arange(len(waits)) == 0)] += others
    return records


def _host(op: HostOp, network: Network) -> HostSubnet:
    inputs, outputs = (tuple(map(_value, values)) for values in (op.inputs, op.outputs))
    model = network.weights[op.model.data].astype(np.uint8, copy=False)
    return HostSubnet(op.kind.data, op.reason.data, op.macs.value.data, inputs, outputs, model)


def _value(value: SSAValue) -> HostValue:
    held = HostValue(name_at_rest(value), stated_shape(value), form(value))
    if not isinstance(tensor(value).encoding, IntegerAttr):
        return held
    region, offset = address(value)
    return replace(held, region=region, offset=offset)
