"""Bank conflicts as counted: by hand, and record by record."""

from __future__ import annotations

from dataclasses import replace

from simulator.checks.banks import bank_conflicts, layer_conflicts
from simulator.concurrent import run_cores
from simulator.isa.record import Command, decode
from simulator.isa.table import Region
from simulator.model_file import Model
from simulator.timing import span, used
from tests.simulator.hand_made import copy_twice, far, local, model

DIMS = (1, 8, 4, 32)
BANK = 2048


def test_operands_that_share_a_bank_cost_time() -> None:
    apart = Command("ARITH", {"out": local(0, DIMS), "a": local(BANK, DIMS), "b": local(2 * BANK, DIMS)}, {}, "add")
    shared = replace(apart, operands={**apart.operands, "a": local(128, DIMS)})
    made = model([apart, shared, shared], [])
    found = bank_conflicts(made)
    each = 24 + 4 * 32 // 8
    assert (found.records, found.operands, found.cycles) == (2, 4, 2 * 2 * each)
    assert found.tiu_cycles == each + 2 * 3 * each + 24
    assert layer_conflicts(made) == {"layer": 4 * each}
    assert found.as_dict()["share"] == found.cycles / found.tiu_cycles
    assert found.meetings == 0


def test_engines_that_meet_in_a_bank_are_counted() -> None:
    copy = Command("COPY", {"out": local(0, DIMS), "in": local(4 * BANK, DIMS)})
    near, beside = (
        Command("LOAD", {"out": local(bank * BANK + 1024, DIMS), "in": far(Region.IO, 0, DIMS)}) for bank in (4, 5)
    )
    assert [bank_conflicts(model([copy], [load])).meetings for load in (near, beside)] == [1, 0]
    assert bank_conflicts(model([replace(copy, wait=1)], [near])).meetings == 0


def test_meetings_are_those_of_every_pair() -> None:
    for made in (copy_twice(), model([*[Command("COPY", {"out": local(0, DIMS), "in": local(512, DIMS)})] * 9], [])):
        assert bank_conflicts(made).meetings == meetings(made)


def meetings(made: Model) -> int:
    """Pairs of records under way at one time with a bank in common, one by one."""
    (timeline,) = run_cores(made.cores, made.chip)
    return sum(
        bool(banks(made, made.tiu[i]) & banks(made, made.gdma[j]))
        and bool(timeline.tiu.start[i] < timeline.gdma.free[j])
        and bool(timeline.gdma.start[j] < timeline.tiu.free[i])
        for i in range(len(made.tiu))
        for j in range(len(made.gdma))
    )


def banks(made: Model, record: object) -> set[int]:
    spans = [span(one, made.chip) for one in used(decode(record)).values() if one.region == Region.LOCAL]
    return {bank for first, last in spans for bank in range(first // BANK, -(-last // BANK))}
