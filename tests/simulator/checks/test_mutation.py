"""A wait deleted or shortened is caught just where some order that is then legal shows it, on one core or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.checks.check import check
from simulator.checks.ordering import soonest
from simulator.checks.waits import Kind, waits, without
from simulator.cores import Turn, turns
from simulator.isa.table import Region
from simulator.machine import Machine
from simulator.memory import POISON, Memory
from simulator.model_file import Model
from tests.simulator.checks.alone import check_races
from tests.simulator.checks.drawn import programs
from tests.simulator.checks.orders import orders, result, story
from tests.simulator.checks.reachability import Node, before
from tests.simulator.hand_made import copy_twice
from tests.simulator.two_cores import halves

ORDERS = 3000
"""A program of more is passed over."""

RUN = 12
"""Orders that are run on the machine."""


def mutants(made: Model) -> list[Model]:
    """The program without each of its waits, and with it one record shorter."""
    return [without(made, wait, until) for wait in waits(made) for until in {0, wait.until - 1}]


@given(st.sampled_from(((1, 7), (2, 5))).flatmap(lambda size: programs(*size)))
@settings(max_examples=60)
def test_caught_where_an_order_shows_it(made: Model) -> None:
    for mutant in mutants(made):
        possible = list(islice(orders(mutant), ORDERS + 1))
        if len(possible) > ORDERS:
            continue
        stories = {story(mutant, order): order for order in possible}
        assert bool(list(check_races(mutant))) == (len(stories) > 1)
        if len(stories) == 1:
            assert len({result(mutant, order) for order in possible[:: len(possible) // RUN + 1]}) == 1


def copy_four() -> Model:
    """As `copy_twice`, of four parts of the weights, to four places: other bytes wherever a record comes too soon."""
    made = copy_twice()
    for i in range(4):
        (source, target) = made.gdma["operands"][2 * i, 1], made.gdma["operands"][2 * i + 1, 0]
        source["region"], target["region"] = Region.WEIGHT, Region.ACTIVATION
        source["addr"] = target["addr"] = i * 1024
    return replace(made, weights=np.random.default_rng(0).integers(0, 120, 4096, np.uint8))


@pytest.mark.parametrize("made", [copy_four(), halves()], ids=["one core", "two cores"])
def test_the_machine_shows_what_a_necessary_wait_is_for(made: Model) -> None:
    """Its two records run the other way round, which is legal without it, give another result."""
    right = outputs(made, turns(made.cores))
    necessary = [wait for wait in waits(made) if wait.kind == Kind.NECESSARY]
    assert len(necessary) == (8 if not made.others else 10)
    for wait in necessary:
        mutant = without(made, wait)
        assert wait.pair is not None
        core, engine, record = wait.pair.second
        order = soonest(mutant.cores, Turn(core, engine, record - 1))
        assert outputs(mutant, order) != right
        assert {finding.check for finding in check(mutant)} & {"races", "uninitialised"}


def outputs(made: Model, order: Sequence[Turn]) -> bytes:
    """What the machine leaves in global memory, fed other bytes everywhere."""
    memory = Memory(made.chip, made.weights, made.activation_bytes, made.io_bytes)
    memory.regions[Region.IO][:] = np.random.default_rng(0).integers(0, 120, made.io_bytes)
    for name in made.outputs:
        memory.regions[Region.IO][name.offset :] = POISON
    Machine([memory, *(memory.beside() for _ in made.others)], made.cores, order=order).run()
    return b"".join(memory.regions[region].tobytes() for region in (Region.ACTIVATION, Region.IO))


@given(programs(2, 5))
@settings(max_examples=30)
def test_an_order_in_which_a_record_is_soonest_is_legal(made: Model) -> None:
    earlier = before(made)
    for core, engine, record in earlier:
        order = [
            Node(turn.core, turn.engine, turn.at + 1) for turn in soonest(made.cores, Turn(core, engine, record - 1))
        ]
        place = {node: at for at, node in enumerate(order)}
        assert place.keys() == earlier.keys()
        assert all(place[a] < place[b] for b in earlier for a in earlier[b])
        assert set(order[: place[Node(core, engine, record)]]) == earlier[Node(core, engine, record)]
