"""Operands of many records at once, against one record at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator import spans, timing
from simulator.checks.walk import accesses
from simulator.chip import CHIPS
from simulator.events import tiu_costs
from simulator.isa.record import Command, Operand, decode, encode
from simulator.isa.table import SPECS, DType, Engine, Flag, Region

E8 = CHIPS["e8"]
COMPUTES = [op for op, spec in SPECS.items() if spec.engine is Engine.TIU and spec.operands]

extents = st.integers(1, 9)
operands = st.builds(
    Operand,
    st.integers(0, 30000),
    st.sampled_from([DType.I8, DType.F32]),
    st.tuples(extents, extents, extents, extents),
    st.tuples(*[st.integers(-40, 200)] * 4),
    st.sampled_from([Region.LOCAL, Region.LOCAL, Region.ACTIVATION]),
    st.integers(0, 7),
)
flags = st.lists(st.sampled_from(list(Flag)[1:])).map(lambda chosen: Flag(sum(set(chosen))))


@st.composite
def commands(draw: st.DrawFn, ops: list[str]) -> Command:
    op = draw(st.sampled_from(ops))
    spec = SPECS[op]
    named = {name: draw(st.none() | operands) for name in spec.operands}
    return Command(op, named, function=spec.functions[0] if spec.functions else "", flags=draw(flags))


@given(st.lists(commands(COMPUTES), max_size=5))
def test_bytes_and_bank_conflicts_are_those_of_single_records(given_: list[Command]) -> None:
    records = encode(given_)
    found, conflicts = spans.local_spans(records, E8), spans.bank_conflicts(spans.local_spans(records, E8), E8)
    for i, command in enumerate(given_):
        local = [o for o in timing.used(command).values() if o.region is Region.LOCAL]
        each = [timing.span(operand, E8) for operand in local]
        both: list[tuple[int, int]] = [(int(start), int(stop)) for start, stop in found[i]]
        assert sorted(filter(any, both)) == sorted(filter(any, each))
        if all(start >= 0 and stop <= E8.lane_bytes for start, stop in each):
            assert conflicts[i] == timing.bank_conflicts(E8, each)


@given(st.lists(commands([op for op, spec in SPECS.items() if spec.operands and op != "SCATTER"]), max_size=5))
def test_what_is_read_and_written_is_that_of_single_records(given_: list[Command]) -> None:
    records = encode(given_)
    for mask, write in ((spans.read(records), False), (spans.written(records), True)):
        for i, command in enumerate(given_):
            names = SPECS[command.op].operands
            there = {access.name for access in accesses(command) if access.write == write}
            assert {name for name, found in zip(names, mask[i], strict=False) if found} == there


def test_cycles_are_those_of_single_records() -> None:
    rows = (1, 8, 4, 32)
    steps = (128, 128, 32, 1)
    records = encode(
        Command("COPY", {"out": Operand(out, DType.I8, rows, steps), "in": Operand(0, DType.I8, rows, steps)})
        for out in (0, 128, 2048, 4096)
    )
    assert tiu_costs(records, E8).tolist() == [timing.cycles(decode(record), E8) for record in records]
