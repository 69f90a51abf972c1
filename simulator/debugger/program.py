"""A model's records as a debugger asks for them: decoded when looked at, found by layer, op or the bytes they touch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator import spans
from simulator.checks.program import sizes
from simulator.checks.shadow import Shadow
from simulator.checks.walk import Access, accesses, in_lanes
from simulator.chip import Chip
from simulator.cores import Turn
from simulator.debugger.order import Hosted, Moment
from simulator.isa.distinct import distinct
from simulator.isa.record import Command, Operand, Records, decode
from simulator.isa.table import BY_CODE, SPECS, Engine, Region
from simulator.memory import BadOperand, check
from simulator.model_file import Model
from simulator.subnets import HostSubnet


@dataclass(frozen=True)
class Extent:
    """Bytes `start` to `stop` of a region; of every lane of `core` in local memory, or of one `lane`."""

    region: Region
    start: int
    stop: int
    core: int = 0
    lane: int | None = None


class Program:
    """The records of all streams by core, engine and index from 0."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._streams = [{engine: _Stream(core.of(engine)) for engine in Engine} for core in model.cores]

    def command(self, turn: Turn) -> Command:
        """A record with its wait and tag. Raises ValueError for one that the table lacks."""
        record = self.records(turn.core, turn.engine)[turn.at]
        kind = self._streams[turn.core][turn.engine].command(turn.at)
        return replace(kind, wait=int(record["wait"]), tag=int(record["tag"]))

    def kind(self, turn: Turn) -> tuple[int, Command]:
        """A record without wait and tag, and a number that equal ones of its stream share. Raises ValueError."""
        stream = self._streams[turn.core][turn.engine]
        return stream.kinds[1][turn.at], stream.command(turn.at)

    def accesses(self, turn: Turn) -> tuple[Access, ...]:
        """What a record reads, then what it writes. Raises ValueError."""
        return accesses(self.kind(turn)[1])

    def records(self, core: int, engine: Engine) -> Records:
        """A stream."""
        return self.model.cores[core].of(engine)

    def turns(self) -> Iterator[Turn]:
        """Every record, stream after stream."""
        for core, streams in enumerate(self.model.cores):
            for engine in Engine:
                yield from (Turn(core, engine, i) for i in range(len(streams.of(engine))))

    def op(self, moment: Moment) -> str:
        """What a record, or an op of the host, is called; empty for a record of no op."""
        if isinstance(moment, Hosted):
            return self.hosted(moment).kind
        return BY_CODE.get(int(self.records(moment.core, moment.engine)["op"][moment.at]), "")

    def title(self, moment: Moment) -> str:
        """What a moment is called: `TIU 5`, with its core before it where there are several, or `host QuickGelu`."""
        if isinstance(moment, Hosted):
            return f"host {self.hosted(moment).kind}"
        core = f"core {moment.core} " if self.model.others else ""
        return f"{core}{moment.engine.name} {moment.at + 1}"

    def layer(self, moment: Moment) -> str:
        """The layer that a moment is of; empty for a record without operands, which is of none."""
        if isinstance(moment, Hosted):
            return self.hosted(moment).name
        tag = int(self.records(moment.core, moment.engine)["tag"][moment.at])
        return self.model.layers[tag] if self._tagged(moment) and tag < len(self.model.layers) else ""

    def hosted(self, moment: Hosted) -> HostSubnet:
        """An op of the host."""
        part = self.model.parts[moment.part]
        assert isinstance(part, HostSubnet)
        return part

    @cached_property
    def moments(self) -> Sequence[Moment]:
        """Every record and every op of the host."""
        hosted = [Hosted(i) for i, part in enumerate(self.model.parts) if isinstance(part, HostSubnet)]
        return [*self.turns(), *hosted]

    @cached_property
    def by_layer(self) -> dict[str, set[Moment]]:
        """The moments of each layer, layers in the model's order, then those of the host."""
        made: dict[str, set[Moment]] = {name: set() for name in self.model.layers}
        for moment in self.moments:
            if name := self.layer(moment):
                made.setdefault(name, set()).add(moment)
        return {name: moments for name, moments in made.items() if moments}

    def touching(self, what: Extent | Operand, core: int, write: bool | None = None) -> list[Moment]:
        """
        What reads or writes any byte of it, or with `write` only what does that: records, then ops of the host.

        Raises BadOperand.
        """
        if isinstance(what, Operand):
            check(what, self.model.chip, sizes(self.model)[what.region])
        bytes_ = what if isinstance(what, Extent) else self.extent(what, core)
        shadow, found = self._marked(what), list[Moment]()
        for owner, streams in enumerate(self._streams):
            if bytes_.region == Region.LOCAL and owner != core:
                continue
            for engine, stream in streams.items():
                for i in np.flatnonzero(_near(stream.records, self.model.chip, bytes_, write)).tolist():
                    turn = Turn(owner, engine, i)
                    if any(self._meet(shadow, access, bytes_.region, write) for access in self._in_lanes(turn)):
                        found.append(turn)
        return found + [moment for moment in self.moments if self._hands(moment, bytes_, write)]

    def extent(self, operand: Operand, core: int) -> Extent:
        """The bytes of an operand, from its first to its last."""
        start, stop = _reach(operand, self.model.chip)
        return Extent(operand.region, start, stop, core)

    def _hands(self, moment: Moment, extent: Extent, write: bool | None) -> bool:
        """Whether an op of the host has a tensor in the extent that it reads, or that it makes."""
        if not isinstance(moment, Hosted):
            return False
        op = self.hosted(moment)
        values = (*(() if write else op.inputs), *(() if write is False else op.outputs))
        here = (value for value in values if value.region == extent.region)
        return any(value.offset < extent.stop and extent.start < value.offset + value.crossing_bytes for value in here)

    def _in_lanes(self, turn: Turn) -> Iterator[Access]:
        """What a record touches as it happens in each lane; nothing of one that the table lacks."""
        try:
            _, command = self.kind(turn)
        except ValueError:
            return
        for access in accesses(command):
            yield in_lanes(command, access, self.model.chip.lanes)

    def _meet(self, shadow: Shadow, access: Access, region: Region, write: bool | None) -> bool:
        if access.operand.region != region or (write is not None and access.write != write):
            return False
        try:
            check(access.operand, self.model.chip, sizes(self.model)[region])
        except BadOperand:
            return False
        return any(bool(part.any()) for part in shadow.of(access.operand))

    def _marked(self, what: Extent | Operand) -> Shadow:
        """A shadow in which just these bytes are set."""
        model = self.model
        far = {region: size for region, size in sizes(model).items() if region != Region.LOCAL}
        made = Shadow(model.chip, far, np.bool_)
        if isinstance(what, Operand):
            for part in made.of(what):
                part[...] = True
        elif what.region == Region.LOCAL:
            lanes = made.region(Region.LOCAL).reshape(model.chip.lanes, model.chip.lane_bytes)
            lanes[slice(None) if what.lane is None else what.lane, what.start : what.stop] = True
        else:
            made.region(what.region)[what.start : what.stop] = True
        return made

    def _tagged(self, turn: Turn) -> bool:
        op = self.op(turn)
        return bool(op and SPECS[op].operands)


class _Stream:
    """One engine's records; each kind is decoded once."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self._commands: dict[int, Command] = {}

    @cached_property
    def kinds(self) -> tuple[Records, list[int]]:
        """Records that differ in more than wait and tag, and for each record the one of these it equals."""
        kinds, kind = distinct(self.records, addresses=True)
        return kinds, kind.tolist()

    def command(self, index: int) -> Command:
        kinds, kind = self.kinds
        at = kind[index]
        if at not in self._commands:
            self._commands[at] = decode(kinds[at])
        return self._commands[at]


def _near(records: Records, chip: Chip, extent: Extent, write: bool | None) -> NDArray[np.bool_]:
    """Which records have an operand between whose first and last byte some of the extent lie."""
    slots = spans.used(records) if write is None else spans.written(records) if write else spans.read(records)
    operands = records["operands"]
    slots = slots & (operands["region"] == extent.region)
    counts = operands["dims"].astype(np.int64)
    if extent.region == Region.LOCAL:
        counts[..., 1] = -(-(operands["lane"] + counts[..., 1]) // chip.lanes)
    steps = (counts - 1) * operands["strides"]
    first = operands["addr"] + np.minimum(steps, 0).sum(-1)
    stop = operands["addr"] + np.maximum(steps, 0).sum(-1) + spans.ITEMSIZES[operands["dtype"]]
    return (slots & (first < extent.stop) & (stop > extent.start)).any(-1)


def _reach(operand: Operand, chip: Chip) -> tuple[int, int]:
    """First byte of an operand and the one after its last; in a lane if it is local."""
    n, c, h, w = operand.dims
    count = -(-(operand.lane + c) // chip.lanes) if operand.region == Region.LOCAL else c
    steps = [(extent - 1) * stride for extent, stride in zip((n, count, h, w), operand.strides, strict=True)]
    first = operand.addr + sum(step for step in steps if step < 0)
    return first, operand.addr + sum(step for step in steps if step > 0) + operand.dtype.itemsize
