"""Two cores: their order, their results in any interleaving, their file, and the dumps of both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.cores import Turn, turns
from simulator.debug_map import TensorSlice
from simulator.isa.record import Command, encode
from simulator.isa.table import DType, Engine, Region
from simulator.loaded import Loaded
from simulator.machine import Machine
from simulator.model_file import Tensor, read, write
from simulator.order import Deadlock
from simulator.runtime import PyRuntime
from simulator.subnets import ChipSubnet
from tests.simulator.hand_made import local
from tests.simulator.two_cores import HALF, X32, halves, with_gdma

X = (np.arange(2 * 32 * 4 * 16) % 50).astype(np.uint8).reshape(2, 32, 4, 16)
Y = 2 * X + 2 * X[::-1]


def test_each_core_finds_what_the_other_stored() -> None:
    (y,) = PyRuntime(halves()).run(None, [X], raw=True)
    assert np.array_equal(y, Y)


@given(st.integers(0, 1000))
def test_every_interleaving_gives_the_same(seed: int) -> None:
    made = halves()
    memories = Loaded(made).memories
    machine = Machine(memories, made.cores, seed)
    io = memories[0].regions[Region.IO]
    io[: X.size] = X.reshape(-1)
    machine.run()
    assert np.array_equal(io[X.size :], Y.reshape(-1))


def test_the_order_keeps_waits_and_messages() -> None:
    made = halves()
    for seed in (None, *range(20)):
        order = turns(made.cores, seed)
        at = {turn: place for place, turn in enumerate(order)}
        assert len(at) == 2 * (3 + 7)
        for core in range(2):
            load, store, _, wait = (at[Turn(core, Engine.GDMA, i)] for i in range(4))
            assert wait > at[Turn(1 - core, Engine.GDMA, 2)]
            assert store > at[Turn(core, Engine.TIU, 0)] > load


def test_a_message_that_never_comes() -> None:
    made = halves()
    late = made.gdma.copy()
    late["i"][3, 0] = 2
    with pytest.raises(Deadlock, match="core 0: GDMA record 4 waits for SEND 2 of core 1"):
        turns(with_gdma(made, 0, late).cores)


def test_cores_that_wait_for_each_other_are_named() -> None:
    made = halves()
    swapped = [made.cores[core].gdma.copy() for core in range(2)]
    for gdma in swapped:
        gdma[[2, 3]] = gdma[[3, 2]]
    both = with_gdma(with_gdma(made, 0, swapped[0]), 1, swapped[1])
    with pytest.raises(Deadlock, match="core 0: GDMA record 3 waits for core 1's GDMA record 4"):
        turns(both.cores)


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    made = halves()
    part = TensorSlice(Engine.TIU, 2, local(0, HALF, DType.U8, X32), ((0, 1), (0, 32), (0, 4), (0, 16)), 1)
    made = replace(made, tensors=[Tensor("half", HALF, DType.U8, slices=[part])])
    write(made, tmp_path / "m")
    again = read(tmp_path / "m")
    for mine, theirs in zip(again.cores, made.cores, strict=True):
        assert np.array_equal(mine.tiu, theirs.tiu)
        assert np.array_equal(mine.gdma, theirs.gdma)
    assert again.parts == made.parts
    assert np.array_equal(PyRuntime(again).dump([X])["half"], Y[1:])


def test_a_later_subnet_counts_messages_on() -> None:
    """The stretch after a subnet's end waits for the second SEND, which is its own first."""
    made = halves()
    streams = [np.concatenate([core.gdma, encode(_again(number))]) for number, core in enumerate(made.cores)]
    both = with_gdma(with_gdma(made, 0, streams[0]), 1, streams[1])
    ends = [np.concatenate([core.tiu, encode([Command("END", wait=7)])]) for core in made.cores]
    both = replace(both, tiu=ends[0], others=[replace(both.others[0], tiu=ends[1])])
    first, second = ((0, 3), (0, 7)), ((3, 4), (7, 10))
    part = made.parts[0]
    assert isinstance(part, ChipSubnet)
    subnets = tuple(replace(part, tiu=tiu, gdma=gdma, others=((tiu, gdma),)) for tiu, gdma in (first, second))
    (y,) = PyRuntime(replace(both, subnets=subnets)).run(None, [X], raw=True)
    assert np.array_equal(y, Y)


def _again(number: int) -> list[Command]:
    message = {"core": 1 - number, "count": 2}
    return [Command("SEND", wait=3), Command("WAIT", params=message), Command("DMA_END")]
