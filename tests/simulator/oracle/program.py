"""A whole program on both machines: the compiler's own records, in place of drawn ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.cores import turns
from simulator.isa.record import decode
from simulator.isa.table import Region
from simulator.machine import Machine
from simulator.memory import Memory
from simulator.model_file import Model
from tests.simulator.oracle.memory import State
from tests.simulator.oracle.semantics import SEMANTICS

MOVES_NOTHING = ("NOP", "END", "SEND", "WAIT", "DMA_END")


def differing_bytes(model: Model, io: bytes) -> Mapping[str, int]:
    """
    Bytes of each memory that differ after one run on both machines; those with none are left out.

    `io` is what the region of inputs and results holds before it.
    """
    first = Memory(model.chip, model.weights, model.activation_bytes, model.io_bytes)
    first.poison()
    first.regions[Region.IO][:] = np.frombuffer(io, np.uint8)
    memories = [first, *(first.beside() for _ in model.cores[1:])]
    regions = {region: held.tobytes() for region, held in first.regions.items()}
    states = [State([row.tobytes() for row in memory.lanes], regions) for memory in memories]
    for state in states[1:]:
        state.regions = states[0].regions
    Machine(memories, model.cores).run()
    with np.errstate(all="ignore"):
        for core, engine, i in turns(model.cores):
            _run(states[core], model.cores[core].of(engine)[i])
    return _different(memories, states)


def _run(state: State, record: Any) -> None:
    command = decode(record)
    if command.op not in MOVES_NOTHING:
        SEMANTICS[command.op](state, command)


def _different(memories: list[Memory], states: list[State]) -> dict[str, int]:
    found = dict[str, int]()
    for core, (memory, state) in enumerate(zip(memories, states, strict=True)):
        pairs: dict[str, tuple[NDArray[np.uint8], bytearray]] = {
            f"core {core} lane {i}": (row, state.lanes[i]) for i, row in enumerate(memory.lanes)
        }
        pairs |= {region.name: (held, state.regions[region]) for region, held in memory.regions.items()}
        for name, (ours, theirs) in pairs.items():
            if wrong := int((ours != np.frombuffer(theirs, np.uint8)).sum()):
                found[name] = wrong
    return found
