"""
Which tensor an operand of a record is: by the program's inputs and outputs, the debug map, and who reads what.

Walking the records in an order that they may run in, each place in memory keeps the tensor last put there:

* what the debug map says a record finishes, or will once its layer's next records have run, is that tensor;
* what a transfer or COPY moves is what it was; what host ops make, and inputs and outputs, have names of their own;
* the file has no names of weights: they are called `layer:operand` by the layer and operand that first read them;
* what a layer keeps between two of its own records is `layer:step`, and its accumulators are `layer:acc`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from math import prod

from simulator.checks.walk import Visit, visits
from simulator.cores import Turn, turns
from simulator.debug_map import TensorSlice
from simulator.holdings import Holding, Holdings, contains
from simulator.isa.record import Operand
from simulator.isa.table import DType, Engine, Region
from simulator.model_file import IO, Model
from simulator.order import Deadlock
from simulator.subnets import HostSubnet, HostValue

MOVERS = ("LOAD", "STORE", "COPY")
"""Ops whose result is what they read."""

AHEAD = 8
"""Slices of a layer that are looked at for one that a record begins and a later one finishes."""

Place = tuple[int, Engine, int]
"""Core, engine and 1-based record."""


class Names:
    """The tensors of a program's operands, looked up once for all records."""

    def __init__(self, model: Model, order: Sequence[Turn] | None = None) -> None:
        """Walk the program, in `order` if given. Raises ValueError for a record no op has; waits may be wrong."""
        self._named: dict[Place, Mapping[str, str]] = {}
        walk = _Walk(model)
        walked = [(visit, walk.enter(visit)) for visit in visits(model, _order(model) if order is None else order)]
        for visit, held in walked:
            names = {name: walk.name(visit, name, holding) for name, holding in held.items()}
            self._named[visit.core, visit.engine, visit.number] = names

    def of(self, core: int, engine: Engine, record: int, operand: str) -> str:
        """The tensor that an operand of the 1-based `record` is; empty if the record has none, or nobody knows."""
        return self.all(core, engine, record).get(operand, "")

    def all(self, core: int, engine: Engine, record: int) -> Mapping[str, str]:
        """Every operand's tensor, by the operand's name in the table of ops."""
        return self._named.get((core, engine, record), {})


class _Walk:
    """What lies where, record by record."""

    def __init__(self, model: Model) -> None:
        self._sizes = {tensor.name: prod(tensor.shape) for tensor in model.tensors}
        self._lanes = [Holdings(model.chip.lane_bytes, model.chip.lanes) for _ in model.cores]
        self._global = {
            Region.WEIGHT: Holdings(model.weights.size),
            Region.ACTIVATION: Holdings(model.activation_bytes),
            Region.IO: Holdings(model.io_bytes),
        }
        self._ports = Holdings(model.io_bytes)
        self._slices = _Slices(model)
        self._hosts = dict(_host_values(model))
        for entry in (entry for entry in (*model.inputs, *model.outputs) if not entry.held):
            self._ports.put(Holding(_row(Region.IO, entry.offset, _bytes(entry)), (entry.name,)))
        for core in range(len(model.cores)):
            for name, part in self._slices.before(core):
                self._put(core, part.operand, (name,))

    def enter(self, visit: Visit) -> Mapping[str, Holding]:
        """Go past a record; what its operands are, by their names: those that are read, then what it makes."""
        for value in self._hosts.pop((visit.core, visit.engine, visit.number), ()):
            self._global[value.region or Region.ACTIVATION].put(_handed(value))
        held: dict[str, Holding] = {}
        for access in visit.accesses:
            if access.write:
                held[access.name] = self._made(visit, access.name, access.operand, held.get("in"))
            else:
                held[access.name] = self._read(visit, access.name, access.operand)
        return held

    def name(self, visit: Visit, name: str, holding: Holding) -> str:
        """What to call an operand, of the names that it may have: one of a tensor that is as large."""
        operand = visit.command.operands[name]
        assert operand is not None
        elements = prod(count for count, stride in zip(operand.dims, operand.strides, strict=True) if stride)
        names = holding.names or ((f"{_layer(visit)}:weights",) if holding.unread else ("",))
        return next((known for known in names if elements <= self._sizes.get(known, elements)), names[0])

    def _read(self, visit: Visit, name: str, operand: Operand) -> Holding:
        memory = self._memory(visit.core, operand)
        holding = (operand.region == Region.IO and self._ports.at(operand)) or memory.at(operand)
        if holding is None:
            holding = Holding(operand, (), unread=operand.region == Region.WEIGHT)
            memory.put(holding)
        if holding.unread and visit.command.op not in MOVERS:
            holding.names, holding.unread = (f"{_layer(visit)}:{name}",), False
        return holding

    def _made(self, visit: Visit, name: str, operand: Operand, source: Holding | None) -> Holding:
        if operand.region == Region.IO and (port := self._ports.at(operand)):
            return port
        if names := self._slices.made(visit, operand):
            return self._put(visit.core, operand, names)
        if visit.command.op in MOVERS and source is not None:
            # The same object stands for every place that it is moved to, so that a name found later is all theirs.
            self._memory(visit.core, operand).put(source, operand)
            return source
        return self._put(visit.core, operand, (f"{_layer(visit)}:{'acc' if name == 'acc' else 'step'}",))

    def _put(self, core: int, operand: Operand, names: Sequence[str]) -> Holding:
        holding = Holding(operand, tuple(names))
        self._memory(core, operand).put(holding)
        return holding

    def _memory(self, core: int, operand: Operand) -> Holdings:
        return self._lanes[core] if operand.region == Region.LOCAL else self._global[operand.region]


class _Slices:
    """The debug map by the records that finish its slices, and by the layers of those."""

    def __init__(self, model: Model) -> None:
        self._lanes = model.chip.lanes
        self._finished: defaultdict[Place, list[tuple[str, TensorSlice]]] = defaultdict(list)
        for tensor in model.tensors:
            for part in tensor.slices:
                self._finished[part.core, part.engine, part.record].append((tensor.name, part))
        self._by_layer: defaultdict[tuple[int, Engine, str], list[int]] = defaultdict(list)
        for core, engine, record in sorted(self._finished):
            if record:
                tag = int(model.cores[core].of(engine)["tag"][record - 1])
                self._by_layer[core, engine, model.layers[tag] if tag < len(model.layers) else ""].append(record)

    def before(self, core: int) -> Iterator[tuple[str, TensorSlice]]:
        """What is there before the first record."""
        for engine in Engine:
            yield from self._finished.get((core, engine, 0), ())

    def made(self, visit: Visit, operand: Operand) -> tuple[str, ...]:
        """The tensors that a record's result is a part of, the layer's own first; none if it is a passing value."""
        names = self._at((visit.core, visit.engine, visit.number), operand)
        if not names:
            later = self._by_layer.get((visit.core, visit.engine, visit.layer), ())
            coming = islice((record for record in later if record > visit.number), AHEAD)
            found = (self._at((visit.core, visit.engine, record), operand) for record in coming)
            names = next(filter(None, found), names)
        return tuple(sorted(names, key=lambda name: name != visit.layer))

    def _at(self, place: Place, operand: Operand) -> list[str]:
        """The tensors of which a record finishes slices that have elements in common with an operand."""
        return [name for name, part in self._finished.get(place, ()) if self._meet(part.operand, operand)]

    def _meet(self, a: Operand, b: Operand) -> bool:
        if a.region != b.region:
            return False
        lanes = self._lanes if a.region == Region.LOCAL else 1
        return contains(a, b.lane, b.addr, lanes) or contains(b, a.lane, a.addr, lanes)


def _order(model: Model) -> Sequence[Turn]:
    """An order that the records may run in; of a program that can't run whole, one that keeps each stream's own."""
    try:
        return turns(model.cores)
    except Deadlock:
        streams = ((core, engine, streams.of(engine)) for core, streams in enumerate(model.cores) for engine in Engine)
        stuck = [Turn(core, engine, i) for core, engine, records in streams for i in range(len(records))]
        return sorted(stuck, key=lambda turn: (turn.at, -turn.engine))


def _layer(visit: Visit) -> str:
    return visit.layer or visit.command.op.lower()


def _host_values(model: Model) -> Iterator[tuple[Place, list[HostValue]]]:
    """What host ops leave in global memory, by the records before which they do: the first ones of the next subnet."""
    left: list[HostValue] = []
    for subnet in model.parts:
        if isinstance(subnet, HostSubnet):
            left = [*left, *(value for value in subnet.outputs if value.region is not None)]
        elif left:
            for core, (tiu, gdma) in enumerate(subnet.cores):
                yield (core, Engine.TIU, tiu[0] + 1), left
                yield (core, Engine.GDMA, gdma[0] + 1), left
            left = []


def _handed(value: HostValue) -> Holding:
    return Holding(_row(value.region or Region.ACTIVATION, value.offset, value.crossing_bytes), (value.name,))


def _bytes(entry: IO) -> int:
    return prod(entry.shape) * entry.dtype.itemsize


def _row(region: Region, offset: int, count: int) -> Operand:
    """So many bytes in a row."""
    return Operand(offset, DType.U8, (1, 1, 1, max(count, 1)), (0, 0, 0, 1), region)
