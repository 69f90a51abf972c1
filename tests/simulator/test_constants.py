"""Reading constants where they came from changes no result, whatever overwrites them in between."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.chip import CHIPS
from simulator.constants import Constants
from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Flag, Region
from tests.simulator.programs import Frame, Program

LOCAL = Operand(64, DType.F32, (1, 8, 4, 1), (64, 64, 4, 4))
WEIGHT = Operand(0, DType.F32, (1, 8, 4, 1), (128, 16, 4, 4), Region.WEIGHT)


def load(target: Operand, source: Operand = WEIGHT) -> Command:
    return Command("LOAD", {"out": target, "in": source})


def use(source: Operand, target: Operand) -> Command:
    return Command("ARITH", {"out": target, "a": source}, function="abs")


def test_a_weight_is_known_until_something_is_written_on_it() -> None:
    elsewhere, beside = replace(LOCAL, addr=4096), replace(LOCAL, addr=80)
    constants = Constants(CHIPS["e8"])
    constants.enter(load(LOCAL))
    assert constants.enter(use(LOCAL, elsewhere)) == {"a": WEIGHT}
    assert constants.enter(use(replace(LOCAL, dims=(1, 8, 3, 1)), elsewhere)) == {}
    assert constants.enter(use(elsewhere, beside)) == {}
    assert constants.enter(use(LOCAL, elsewhere)) == {"a": WEIGHT}
    constants.enter(use(elsewhere, replace(LOCAL, addr=76, dims=(1, 1, 1, 1), lane=7)))
    assert constants.enter(use(LOCAL, elsewhere)) == {}


def test_activations_and_results_are_not_known() -> None:
    constants = Constants(CHIPS["e8"])
    constants.enter(load(LOCAL, replace(WEIGHT, region=Region.ACTIVATION)))
    assert constants.enter(use(LOCAL, LOCAL)) == {}
    constants.enter(load(LOCAL))
    assert constants.enter(use(LOCAL, LOCAL)) == {"a": WEIGHT}
    assert constants.enter(use(LOCAL, LOCAL)) == {}


PIECES = st.tuples(st.integers(0, 12), st.integers(1, 12), st.integers(1, 6), st.integers(0, 7))
"""Where a tensor lies in the play area: word, channels, rows, first lane."""

MOVES = st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=10)
"""Load or negate, to which of three pieces, from which."""


def piece(drawn: tuple[int, int, int, int]) -> Operand:
    at, channels, rows, lane = drawn
    dims: Frame = (1, channels, rows, 1)
    return Operand(4 * at, DType.F32, dims, (64, 32, 4, 4), lane=lane)


@given(st.lists(PIECES, min_size=3, max_size=3), MOVES)
def test_the_same_results_as_from_local_memory(
    places: list[tuple[int, int, int, int]], moves: list[tuple[bool, int, int]]
) -> None:
    """Loads of weights and negations, all over each other; every byte is stored at the end."""
    program = Program("e8")
    program.reserve(Region.LOCAL, 1024)
    for is_load, to, at in moves:
        target, source = piece(places[to]), piece(places[at])
        if is_load:
            values = (
                np.arange(np.prod(target.dims), dtype=np.float32).reshape(target.dims) + len(program.commands) * 100
            )
            program.do("LOAD", out=target, in_=program.weight(values))
        else:
            result = replace(target, dims=source.dims, lane=source.lane)
            program.do("ARITH", "mul", Flag.SCALAR_B, out=result, a=source, scalar=-1.0)
    everything = Operand(0, DType.U8, (1, 8, 1, 256), (256, 256, 256, 1))
    program.store(everything)
    (shortcut,) = program.run()
    with patch.object(Constants, "enter", return_value={}):
        (plain,) = program.run()
    assert np.array_equal(shortcut, plain)
