"""A program's operands as cells of shadow memories: one for each byte of each class of lanes, and of global memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.checks.boxes import Boxes, Whole, boxes
from simulator.checks.program import Program
from simulator.cores import messages
from simulator.isa.table import BY_CODE, Engine, Region
from simulator.model_file import IO
from simulator.subnets import HostSubnet, HostValue

HOST = -1
"""In the place of a stream: the host's ops, which run while both engines rest."""

SHARED = (Region.ACTIVATION, Region.IO)
"""Memory that every core and the host write."""


@dataclass(frozen=True)
class HostAccess:
    """A value in global memory that an op of the host, by its place among them, reads or writes."""

    op: int
    value: HostValue
    write: bool

    @property
    def bytes(self) -> int:
        """Its size."""
        return prod(self.value.shape) * self.value.form.numpy.itemsize


def host_accesses(ops: Sequence[HostSubnet]) -> list[HostAccess]:
    """What the ops read and write of global memory, op by op, reads first; not the weights."""
    return [
        HostAccess(number, value, write)
        for number, op in enumerate(ops)
        for values, write in ((op.inputs, False), (op.outputs, True))
        for value in values
        if value.region in SHARED
    ]


class Cells:
    """
    Where everything lies: lanes of each core, a row for each class of lanes, then ACTIVATION, then IO.

    Lanes are of one class if every operand has all or none of them: their shadows would always be the same.
    """

    def __init__(self, program: Program) -> None:
        model = self._model = program.model
        self._program, self._boxes = program, boxes(program.accesses.held, model.chip.lanes)
        self.host = host_accesses(model.host)
        local = np.repeat(program.accesses.region == Region.LOCAL, np.diff(self._boxes.at))
        found = self._boxes.first[local], self._boxes.last[local], [0, model.chip.lanes]
        self.edges = np.unique(np.concatenate(found))
        """The first lane of each class, and the one after the last."""
        self.core_step, cores = (len(self.edges) - 1) * model.chip.lane_bytes, len(model.cores)
        activation = cores * self.core_step
        self.origin = {Region.ACTIVATION: activation, Region.IO: activation + model.activation_bytes}
        self.count = self.origin[Region.IO] + model.io_bytes

    def of(self, entry: IO) -> slice:
        """The cells of an input or output; none of one that the host holds."""
        first = self.origin[Region.IO] + entry.offset
        return slice(first, first + entry.bytes)

    def operands(self) -> tuple[Any, Any, Any, Any, Any, Any, Any]:
        """`at_kind`, `write`, `shared`, `skipped`, `at_box`, `box` and `axes` for `shadow_run.run`, the host's last."""
        accesses, found = self._program.accesses, self._boxes
        region, values = accesses.region, self.host
        per_op = np.bincount([told.op for told in values], minlength=len(self._model.host)).astype(np.int64)
        at_kind = np.concatenate([accesses.first(len(self._program.kinds)), len(region) + np.cumsum(per_op)])
        write = np.concatenate([accesses.write, np.array([told.write for told in values], np.bool_)])
        beyond = np.ones(len(values), np.bool_)
        shared = np.concatenate([region != Region.LOCAL, beyond])
        skipped = np.concatenate([region == Region.WEIGHT, ~beyond])
        rows = [(self.origin[_region(told)], told.value.offset, told.bytes, 1, 0) for told in values]
        box = np.concatenate([self._rows(found, region), np.array(rows, np.int64).reshape(-1, 5)])
        axes = np.zeros((len(box), 4, 2), np.int64)
        axes[:, :, 0] = 1
        axes[: len(found.start)] = np.stack([found.extents, found.steps], 2)
        at_box = np.concatenate([found.at, found.at[-1] + 1 + np.arange(len(values))])
        return at_kind, write, shared, skipped, at_box, box, axes

    def visits(self, order: Whole) -> tuple[Whole, Whole]:
        """All records in an order and the host's ops between them: `visits` and `far` for `shadow_run.run`."""
        every = self._visits(order)
        far, rows, known = self._far(every), list[Whole](), list[Whole]()
        start, seen, kinds = 0, 0, len(self._program.kinds)
        for part in self._model.parts:
            if isinstance(part, HostSubnet):
                rows.append(np.array([[0, HOST, 0, kinds + seen, 0]]))
                known.append(np.zeros((1, len(self._model.cores)), np.int64))
                seen += 1
            else:
                stop = start + sum(last - first for core in part.cores for first, last in core)
                rows.append(every[start:stop])
                known.append(far[start:stop])
                start = stop
        return np.concatenate(rows), np.concatenate(known)

    def _rows(self, found: Boxes, region: NDArray[np.uint8]) -> Whole:
        of = np.repeat(np.arange(len(region)), np.diff(found.at))
        local = region[of] == Region.LOCAL
        first, last = (np.searchsorted(self.edges, lanes) for lanes in (found.first, found.last))
        lane_class, rows = np.where(local, first, 0), np.where(local, last - first, 1)
        far = np.array([0, 0, self.origin[Region.ACTIVATION], self.origin[Region.IO]])[region[of]]
        origin = np.where(local, lane_class * self._model.chip.lane_bytes, far)
        return np.stack([origin, found.start, found.length, rows, lane_class], 1)

    def _visits(self, order: Whole) -> Whole:
        """Rows of core, engine, number, kind and what is known of the other engine."""
        core, engine, at = order.T
        every = np.zeros((len(at), 5), np.int64)
        every[:, 0], every[:, 1], every[:, 2] = core, engine, at + 1
        for i, streams in enumerate(self._model.cores):
            for e in Engine:
                mine = (core == i) & (engine == e)
                every[mine, 3] = self._program.kind(i, e)
                every[mine, 4] = np.maximum.accumulate(streams.of(e)["wait"].astype(np.int64))
        return every

    def _far(self, visits: Whole) -> Whole:
        """For each visit, how many GDMA records of every core its own GDMA knows to be complete."""
        cores = len(self._model.cores)
        known = np.zeros((len(visits), cores), np.int64)
        if cores == 1:
            return known
        due = messages(self._model.cores)
        sent: dict[tuple[int, int], list[int]] = {}
        now = [[0] * cores for _ in range(cores)]
        turns: list[list[int]] = visits.tolist()
        for visit, (core, stream, number, kind, _) in enumerate(turns):
            op = BY_CODE[int(self._program.kinds["op"][kind])] if stream == Engine.GDMA else ""
            if op == "SEND":
                now[core][core] = number
                sent[core, number] = list(now[core])
            elif op == "WAIT" and (message := due[core].get(number - 1)):
                now[core] = list(map(max, now[core], sent[message.core, message.record]))
            known[visit] = now[core]
        return known


def _region(told: HostAccess) -> Region:
    return told.value.region or Region.ACTIVATION
