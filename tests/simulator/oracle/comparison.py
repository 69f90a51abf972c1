"""Engine against oracle: the same records on the same bytes, and every byte of every memory compared afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

import numpy as np

from simulator.chip import CHIPS
from simulator.cores import Streams
from simulator.isa.record import Command, Records, decode, encode
from simulator.isa.table import Engine, Region
from simulator.machine import Machine
from simulator.memory import Memory
from tests.simulator.oracle.drawing.kind import Kind
from tests.simulator.oracle.drawing.page import Page
from tests.simulator.oracle.drawing.table import page_of
from tests.simulator.oracle.memory import State
from tests.simulator.oracle.semantics import SEMANTICS


@dataclass(frozen=True)
class Mismatch:
    """A command after which bytes differ that were the same before it."""

    kind: Kind | None
    command: Command
    places: tuple[str, ...]
    """Memory, first byte, what the engine has there and what the oracle has, in hexadecimal."""
    bytes: int


@dataclass
class Tally:
    """Commands and mismatching bytes of each kind so far."""

    commands: dict[str, int] = field(default_factory=dict[str, int])
    mismatches: list[Mismatch] = field(default_factory=list[Mismatch])

    def add(self, page: Page) -> None:
        """Run a page on both sides."""
        found = compared(page)
        for i, command in enumerate(page.commands):
            name = str(page.kinds[i]) if i in page.kinds else f"{command.op} before its reader"
            self.commands[name] = self.commands.get(name, 0) + 1
        self.mismatches += found


def drawn(random: Random, kinds: list[Kind]) -> Tally:
    """A command of each kind, page after page."""
    tally, left = Tally(), list(kinds)
    while left:
        tally.add(page_of(random, left))
    return tally


def compared(page: Page) -> list[Mismatch]:
    """Where the engine's bytes differ from the oracle's after the page's commands; command by command if they do."""
    tiu, gdma, places = _streams(page.commands)
    commands = [decode((gdma if engine == Engine.GDMA else tiu)[at]) for engine, at in places]
    start = [bytes(lane) for lane in page.state.lanes], {r: bytes(held) for r, held in page.state.regions.items()}
    oracle = State(*start)
    memory = _memory(oracle)
    machine = Machine([memory], [Streams(tiu, gdma)])
    machine.run()
    with np.errstate(all="ignore"):
        for command in commands:
            SEMANTICS[command.op](oracle, command)
    if _bytes_of(memory) == _bytes(oracle):
        return []
    return _step_by_step(page, commands, places, tiu, gdma, State(*start))


def _step_by_step(
    page: Page, commands: list[Command], places: list[tuple[Engine, int]], tiu: Records, gdma: Records, oracle: State
) -> list[Mismatch]:
    """The commands that made a difference. After each the engine goes on with the oracle's bytes."""
    memory, found = _memory(oracle), list[Mismatch]()
    number = {place: i for i, place in enumerate(places)}

    def look(core: int, engine: Engine, count: int) -> None:
        i = number.get((engine, count - 1))
        if i is None:
            return
        with np.errstate(all="ignore"):
            SEMANTICS[commands[i].op](oracle, commands[i])
        told, have, wanted = list[str](), _bytes_of(memory), _bytes(oracle)
        wrong = 0
        for name, ours in wanted.items():
            places = (
                [at for at, (a, b) in enumerate(zip(have[name], ours, strict=True)) if a != b]
                if have[name] != ours
                else []
            )
            wrong += len(places)
            told += [f"{name} byte {at}: {have[name][at]:02x}, not {ours[at]:02x}" for at in places[:8]]
        if wrong:
            found.append(Mismatch(page.kinds.get(i), commands[i], tuple(told), wrong))
            _set(memory, oracle)

    Machine([memory], [Streams(tiu, gdma)]).run(look)
    return found


def _streams(commands: list[Command]) -> tuple[Records, Records, list[tuple[Engine, int]]]:
    """Both streams, each command waiting for all before it, and where each command is."""
    streams: dict[Engine, list[Command]] = {engine: [] for engine in Engine}
    places = list[tuple[Engine, int]]()
    for command in commands:
        places.append((command.engine, len(streams[command.engine])))
        streams[command.engine].append(replace(command, wait=len(streams[Engine(1 - command.engine)])))
    tiu = encode([*streams[Engine.TIU], Command("END")])
    return tiu, encode([*streams[Engine.GDMA], Command("DMA_END")]), places


def _memory(state: State) -> Memory:
    """The engine's memory with the same bytes."""
    chip = replace(CHIPS["e8"], name="small", lanes=len(state.lanes), lane_bytes=len(state.lanes[0]))
    sizes = {region: len(held) for region, held in state.regions.items()}
    weights = np.zeros(sizes[Region.WEIGHT], np.uint8)
    made = Memory(chip, weights, sizes[Region.ACTIVATION], sizes[Region.IO])
    _set(made, state)
    return made


def _set(memory: Memory, state: State) -> None:
    for row, lane in zip(memory.lanes, state.lanes, strict=True):
        row[:] = np.frombuffer(lane, np.uint8)
    for region, held in state.regions.items():
        memory.regions[region][:] = np.frombuffer(held, np.uint8)


def _bytes_of(memory: Memory) -> dict[str, bytes]:
    lanes = {f"lane {i}": row.tobytes() for i, row in enumerate(memory.lanes)}
    return {**lanes, **{region.name: held.tobytes() for region, held in memory.regions.items()}}


def _bytes(state: State) -> dict[str, bytes]:
    lanes = {f"lane {i}": bytes(lane) for i, lane in enumerate(state.lanes)}
    return {**lanes, **{region.name: bytes(held) for region, held in state.regions.items()}}
