"""Subnets made ready to run: records by a machine, ops of the host by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from simulator.cores import Streams, sends
from simulator.host_ops import Held, HostOp
from simulator.isa.record import Records
from simulator.isa.table import SPECS, Engine
from simulator.machine import Machine, Observer, Watch
from simulator.memory import Memory
from simulator.model_file import Model
from simulator.subnets import ChipSubnet, HostSubnet, Subnet

Part = Callable[[Held, Observer | None], None]
"""A subnet ready to run: on memory, and on the tensors that the host holds beside it."""


def ready(subnet: Subnet, model: Model, memories: Sequence[Memory], watch: Watch | None) -> Part:
    """A subnet made ready. Raises IllegalRecord, Deadlock, HostFault."""
    if isinstance(subnet, HostSubnet):
        op = HostOp(subnet, memories[0])
        return lambda held, _: op.run(held)
    first = [{Engine.TIU: tiu[0], Engine.GDMA: gdma[0]} for tiu, gdma in subnet.cores]
    own = [_own(model.cores, core, subnet) for core in range(len(model.cores))]
    machine = Machine(memories, own, watch=watch and _counted(watch, first))

    def run(held: Held, observer: Observer | None) -> None:
        machine.run(observer and (lambda core, engine, number: observer(core, engine, first[core][engine] + number)))

    return run


def _counted(watch: Watch, first: Sequence[Mapping[Engine, int]]) -> Watch:
    """A watch of a subnet's records, told of them by their places in the whole streams."""
    return lambda turn, command, step: watch(turn._replace(at=first[turn.core][turn.engine] + turn.at), command, step)


def _own(cores: Sequence[Streams], core: int, subnet: ChipSubnet) -> Streams:
    """A core's records in a subnet, waits and messages counted from the subnet's first records."""
    tiu, gdma = subnet.cores[core]
    moves = _since(cores[core].gdma[slice(*gdma)], tiu[0])
    waiting = moves["op"] == SPECS["WAIT"].code
    if subnet.later and waiting.any():
        sent = [len(sends(other.gdma[: own[1][0]])) for other, own in zip(cores, subnet.cores, strict=True)]
        before = np.array(sent)[moves["u"][waiting, 0]]
        moves = moves.copy()
        moves["i"][waiting, 0] = np.maximum(moves["i"][waiting, 0] - before, 0)
    return Streams(_since(cores[core].tiu[slice(*tiu)], gdma[0]), moves)


def _since(records: Records, before: int) -> Records:
    """Records whose waits count from the other engine's first record of the subnet, which `before` others precede."""
    if not before:
        return records
    own = records.copy()
    own["wait"] = np.maximum(records["wait"].astype(np.int64) - before, 0)
    return own
