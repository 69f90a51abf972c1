"""A fault planted in a sound program makes one finding, which names record, tensor, bytes and the other command."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.checks.check import check
from simulator.checks.finding import Finding
from simulator.checks.program import Program
from simulator.checks.unread import unread
from simulator.isa.record import Command, encode
from simulator.isa.table import DType, Engine, Flag, Region
from simulator.model_file import IO, Model
from simulator.subnets import ChipSubnet
from tests.simulator.hand_made import copy_twice, far, local, model
from tests.simulator.programs import Program as Written

DIMS = (1, 8, 4, 32)


def only(made: Model) -> Finding:
    """The one finding of a program."""
    (found,) = check(made)
    return found


def doubled(shift: int = 0) -> Model:
    """Input x, convolved by one weight a channel, to output y: 8 channels on e8."""
    program = Written()
    x = program.load(program.feed(np.ones((1, 8, 4, 4), np.int8)))
    filters = program.load(program.weight(np.ones((1, 8, 1, 1), np.int8)))
    rows = np.tile(np.array([0, 1, shift], np.int32), (8, 1)).reshape(1, 8, 1, 3)
    params, out = program.load(program.weight(rows)), program.local((1, 8, 4, 4), DType.I8)
    program.do(
        "DWCONV", out=out, in_=x, filter=filters, params=params, kh=1, kw=1, sh=1, sw=1, dh=1, dw=1, low=-128, high=127
    )
    program.store(out)
    return replace(program.model(), layers=("twice",))


def waiting(until: int) -> Model:
    """The program, its TIU's first record waiting for no more than these loads: of x0, filter and params."""
    made = doubled()
    tiu = made.tiu.copy()
    tiu["wait"][0] = until
    return replace(made, tiu=tiu)


def test_a_wait_too_short() -> None:
    assert check(waiting(3)) == []
    found = only(waiting(2))
    assert (found.check, found.kind, found.engine, found.record, found.layer) == (
        "races",
        "RAW",
        Engine.TIU,
        1,
        "twice",
    )
    assert (found.operand, found.tensor, found.region, found.lanes) == ("params", "twice:params", Region.LOCAL, (0, 8))
    assert (found.start, found.stop) == (128, 140)
    assert (found.other, found.other_engine, found.other_layer) == (3, Engine.GDMA, "twice")
    assert found.other_command.startswith("LOAD out=i32(1,8,1,3)@LOCAL+128/")
    assert found.command.startswith("DWCONV wait=2 out=")


def test_each_operand_is_a_finding() -> None:
    assert [(one.kind, one.operand, one.tensor, one.other) for one in check(waiting(0))] == [
        ("RAW", "in", "x0", 1),
        ("RAW", "filter", "twice:filter", 2),
        ("RAW", "params", "twice:params", 3),
    ]


def test_a_shift_that_requantising_lacks() -> None:
    assert check(doubled(62)) == []
    found = only(doubled(63))
    assert (found.check, found.record, found.operand, found.tensor) == ("parameters", 1, "params", "twice:params")
    assert (found.start, found.stop, found.lanes) == (128, 140, (0, 1))
    assert "row 0 of 8 has multiplier 1 and shift 63; a shift is 0 to 62" in found.message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lane": 1}, "lane: {'out': 0, 'filter': 1} differ"),
        ({"dtype": int(DType.U8)}, "filter: type U8 isn't I8"),
        ({"dims": (1, 8, 1, 2)}, "filter: extents (1, 8, 1, 2) aren't (1, 8, 1, 1)"),
    ],
)
def test_an_illegal_operand(changes: dict[str, object], message: str) -> None:
    made = doubled()
    tiu = made.tiu.copy()
    for field, value in changes.items():
        tiu["operands"][field][0, 2] = value
    found = next(one for one in check(replace(made, tiu=tiu)) if one.check == "legal")
    assert (found.record, found.layer) == (1, "twice")
    assert message in found.message


def test_a_byte_where_the_op_has_no_field() -> None:
    made = doubled()
    gdma = made.gdma.copy()
    gdma["u"][0, 5] = 7
    found = only(replace(made, gdma=gdma))
    assert (found.check, found.engine, found.record) == ("legal", Engine.GDMA, 1)
    assert found.message == "LOAD: field u (byte 226) isn't 0, but means nothing there"


def test_a_table_that_some_lanes_lack() -> None:
    """LUT reads its table in every lane of the result, wherever the operand says that it begins."""
    table, x = local(0, (1, 8, 1, 256)), local(1024, DIMS)
    lut = Command("LUT", {"out": local(2048, DIMS), "in": x, "table": replace(table, dims=(1, 1, 1, 256))}, wait=2)
    given = replace(far(Region.WEIGHT, 0, (1, 8, 1, 256)), strides=(0, 0, 0, 1))
    loads = [Command("LOAD", {"out": x, "in": far(Region.IO, 0, DIMS)}), Command("LOAD", {"out": table, "in": given})]
    assert [one for one in check(model([lut], loads)) if one.record] == []
    loads[1] = Command("LOAD", {"out": replace(table, dims=(1, 6, 1, 256)), "in": replace(given, dims=(1, 6, 1, 256))})
    (found,) = [one for one in check(model([lut], loads)) if one.record]
    assert (found.check, found.operand, found.start, found.stop) == ("uninitialised", "table", 0, 256)
    assert found.lanes == (6, 8)


def test_input_that_nobody_feeds() -> None:
    load = Command("LOAD", {"out": local(0, DIMS), "in": far(Region.IO, 1536, DIMS)})
    (found,) = [one for one in check(model([], [load])) if one.record]
    assert (found.check, found.kind, found.start, found.stop) == ("uninitialised", "unbound", 2048, 2560)
    assert found.message == "LOAD reads IO bytes 2048 to 2560 (in), which no input gives"


def test_a_store_over_an_input() -> None:
    made = copy_twice()
    gdma = made.gdma.copy()
    gdma["operands"]["addr"][1, 0] = 1024
    (found,) = [one for one in check(replace(made, gdma=gdma)) if one.check == "ports"]
    assert (found.engine, found.record, found.layer, found.tensor) == (Engine.GDMA, 2, "store", "x")
    assert (found.start, found.stop) == (1024, 2048)


def test_ports_that_share_bytes() -> None:
    made = copy_twice()
    part = IO("z", (1, 8, 2, 32), DType.I8, 3584)
    assert check(replace(made, outputs=[*made.outputs, part])) == []
    across = [one.message for one in check(replace(made, outputs=[*made.outputs, replace(part, offset=1792)]))]
    assert "'y' and 'z' share bytes 2048 to 2304" in across
    given = [*made.inputs, replace(made.inputs[0], name="w")]
    assert "'x' and 'w' share bytes 0 to 2048" in [one.message for one in check(replace(made, inputs=given))]
    (found,) = check(replace(made, outputs=[replace(made.outputs[0], offset=3072)]))[:1]
    assert found.message == "'y' at byte 3072 leaves the IO region of 4096"


def test_a_deadlock_names_who_waits() -> None:
    made = copy_twice()
    tiu = made.tiu.copy()
    tiu["wait"][1] = 4
    found = only(replace(made, tiu=tiu))
    assert (found.kind, found.engine, found.record, found.layer) == ("deadlock", Engine.TIU, 2, "copy")
    assert found.message == "deadlock: TIU record 2 waits for GDMA record 4, GDMA record 4 waits for TIU record 2"


def test_thousands_alike_are_one() -> None:
    store = Command("STORE", {"out": far(Region.IO, 2048, (1, 1, 1, 1)), "in": local(0, (1, 1, 1, 1))})
    copy = Command("COPY", {"out": local(0, (1, 1, 1, 1)), "in": local(1, (1, 1, 1, 1))})
    load = Command("LOAD", {"out": local(1, (1, 1, 1, 1)), "in": far(Region.IO, 0, (1, 1, 1, 1))})
    records = [store] * 3000
    made = model([replace(copy, wait=1)], [load, *records])
    found = [one for one in check(made) if one.check == "races"]
    assert [(one.kind, one.record, one.count) for one in found] == [("RAW", 2, 3000)]
    assert "3000 alike" in str(found[0])


def test_results_that_nobody_reads_are_noted() -> None:
    """The second copy is overwritten unread, the third left; the first goes on to the output."""
    made, other = local(8192, DIMS), local(12288, DIMS)
    x, first = local(0, DIMS), Command("COPY", {"out": made, "in": local(0, DIMS)}, wait=1)
    tiu = [first, *[Command("COPY", {"out": other, "in": local(0, DIMS)})] * 2]
    gdma = [
        Command("LOAD", {"out": x, "in": far(Region.IO, 0, DIMS)}),
        Command("STORE", {"out": far(Region.IO, 2048, DIMS), "in": made}, wait=1),
    ]
    found = list(unread(Program(model(tiu, gdma))))
    assert [(one.engine, one.record, one.operand, one.start, one.stop) for one in found] == [
        (Engine.TIU, 2, "out", 12288, 12416),
        (Engine.TIU, 3, "out", 12288, 12416),
    ]
    assert list(unread(Program(doubled()))) == []


def test_a_finding_as_json() -> None:
    told = only(waiting(2)).as_dict()
    assert (told["engine"], told["region"], told["other_engine"], told["lanes"]) == ("TIU", "LOCAL", "GDMA", [0, 8])
    assert (told["tensor"], told["record"], told["other"], told["count"]) == ("twice:params", 1, 3, 1)


def test_accumulators_that_nobody_began() -> None:
    acc, x = local(8192, DIMS, DType.I32), local(0, DIMS)
    weights = local(1024, (1, 8, 8, 1))
    operands = {"in": x, "filter": weights, "acc": acc}
    ones: dict[str, float] = dict.fromkeys(("kh", "kw", "sh", "sw", "dh", "dw"), 1)
    conv = Command("CONV", operands, ones, flags=Flag.ACC_IN | Flag.ACC_OUT, wait=2)
    loads = [
        Command("LOAD", {"out": x, "in": far(Region.IO, 0, DIMS)}),
        Command("LOAD", {"out": weights, "in": far(Region.WEIGHT, 0, (1, 8, 8, 1))}),
    ]
    (found,) = [one for one in check(model([conv], loads)) if one.record]
    assert (found.check, found.operand, found.start, found.stop) == ("uninitialised", "acc", 8192, 8704)


def test_operands_where_the_op_has_none() -> None:
    """What lies in a slot without a name is no operand; it is told as a byte astray."""
    made = doubled()
    gdma = made.gdma.copy()
    gdma["operands"][0, 4] = gdma["operands"][0, 0]
    assert [(one.check, one.record) for one in check(replace(made, gdma=gdma))] == [("legal", 1)]


def test_extents_beyond_every_memory() -> None:
    made = doubled()
    tiu = made.tiu.copy()
    tiu["operands"]["dims"][0, 0], tiu["operands"]["strides"][0, 0] = (1 << 32) - 1, (1 << 31) - 1
    assert {one.check for one in check(replace(made, tiu=tiu))} == {"bounds"}


def test_subnets_beyond_the_streams() -> None:
    made = copy_twice()
    parts = [ChipSubnet((0, len(made.tiu)), (0, len(made.gdma) + 1))]
    told = [one.message for one in check(replace(made, subnets=parts))]
    assert "has 9 records, a subnet those from 1 to 10" in told


def test_an_unended_stream_is_told_alone() -> None:
    made = copy_twice()
    found = check(replace(made, tiu=encode([])))
    assert {one.check for one in found} == {"structure"}
    assert any(one.engine == Engine.TIU and one.message == "has no END" for one in found)
