"""Each check fires on a program made for it, and on none that is sound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.checks.check import check
from simulator.checks.structure import check_structure
from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Flag, Region
from tests.simulator.checks.alone import check_bounds, check_overlap, check_uninitialised
from tests.simulator.hand_made import copy_twice, far, local, model

DIMS = (1, 8, 4, 32)
VECTOR = (1, 8, 1, 1)
TABLE = local(0, (1, 1, 1, 256))
EVEN = Operand(0, DType.I8, (1, 8, 1, 8), (16, 16, 16, 2))
LOAD = Command("LOAD", {"out": local(0, DIMS), "in": far(Region.IO, 0, DIMS)})


def test_a_sound_program_passes() -> None:
    assert check(copy_twice()) == []


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (replace(LOAD, operands={**LOAD.operands, "out": local(32768 - 64, DIMS)}), "bytes 32704 to 32832 leave LOCAL"),
        (replace(LOAD, operands={**LOAD.operands, "in": far(Region.IO, 3584, DIMS)}), "bytes 3584 to 4608 leave IO"),
        (replace(LOAD, operands={**LOAD.operands, "in": local(0, DIMS)}), "LOCAL isn't WEIGHT or ACTIVATION or IO"),
        (replace(LOAD, operands={**LOAD.operands, "out": far(Region.IO, 0, DIMS)}), "IO isn't LOCAL"),
        (Command("STORE", {"out": far(Region.WEIGHT, 0, DIMS), "in": local(0, DIMS)}), "WEIGHT isn't ACTIVATION or IO"),
        (
            Command("LOAD", {"out": local(2, VECTOR, DType.F32), "in": far(Region.IO, 0, VECTOR, DType.F32)}),
            "aren't multiples of 4 bytes",
        ),
        (
            replace(LOAD, operands={**LOAD.operands, "out": Operand(0, DType.I8, DIMS, (0, 128, 0, 1))}),
            "write a byte more than once",
        ),
    ],
)  # fmt: skip
def test_bounds(command: Command, message: str) -> None:
    (found,) = check_bounds(model([], [command]))
    assert message in found.message
    assert (found.record, found.layer) == (1, "layer")


def test_a_scatter_reads_what_it_writes_into_and_leaves_the_rest() -> None:
    index = far(Region.IO, 0, VECTOR, DType.I32)
    operands = {"out": local(0, DIMS), "in": far(Region.IO, 1024, (1, 8, 4, 32)), "index": replace(index, dims=DIMS)}
    still = replace(operands["index"], strides=(0, 0, 0, 0))
    scatter = Command("SCATTER", {**operands, "index": still}, {"axis": 2, "rows": 4}, "add")
    assert [f.operand for f in check_uninitialised(model([], [scatter])) if f.record] == ["out"]
    loaded = model([], [LOAD, scatter])
    assert [f for f in check_uninitialised(loaded) if f.record] == []
    assert list(check_overlap(loaded)) == []
    assert list(check_bounds(loaded)) == []
    (found,) = check_bounds(model([], [replace(scatter, operands={**operands, "index": local(0, DIMS, DType.I32)})]))
    assert "LOCAL isn't WEIGHT or ACTIVATION or IO" in found.message


def test_local_memory_is_empty_before_the_run() -> None:
    copy = Command("COPY", {"out": local(4096, DIMS), "in": local(64, DIMS)}, wait=1)
    found = [f for f in check_uninitialised(model([copy], [LOAD])) if f.record]
    assert [(f.operand, f.start, f.stop) for f in found] == [("in", 128, 192)]


def test_inputs_are_given_and_nothing_else_is() -> None:
    astride = replace(LOAD, operands={**LOAD.operands, "in": far(Region.IO, 1536, DIMS)})
    found = [f for f in check_uninitialised(model([], [LOAD, astride])) if f.record]
    assert [(f.record, f.start, f.stop) for f in found] == [(2, 2048, 2560)]


def test_activations_are_empty_and_weights_are_not() -> None:
    regions = (Region.ACTIVATION, Region.WEIGHT)
    loads = [replace(LOAD, operands={**LOAD.operands, "in": far(region, 0, DIMS)}) for region in regions]
    assert [f.record for f in check_uninitialised(model([], loads)) if f.record] == [1]


def test_what_a_scalar_stands_in_for_is_not_read() -> None:
    operands = {"out": local(0, DIMS, DType.F32), "a": local(8192, DIMS, DType.F32), "b": local(512, DIMS, DType.F32)}
    both = Command("ARITH", operands, {"scalar": 1.0}, "add", Flag.SCALAR_A | Flag.SCALAR_B)
    assert not [f for f in check_uninitialised(model([both], [])) if f.record]
    assert [f.operand for f in check_uninitialised(model([replace(both, flags=Flag.SCALAR_A)], [])) if f.record] == [
        "b"
    ]


def test_outputs_must_be_written_whole() -> None:
    store = Command("STORE", {"out": far(Region.IO, 2048, DIMS), "in": local(0, DIMS)})
    (found,) = check_uninitialised(model([], [LOAD, store]))
    assert found.message == "1024 bytes of output 'y' are never written"


def test_accumulators_must_be_begun() -> None:
    operands = {
        "in": local(0, (1, 8, 4, 32)),
        "filter": local(0, (1, 8, 8, 1)),
        "acc": local(8192, (1, 8, 4, 32), DType.I32),
    }
    begin = Command("CONV", operands, {"kh": 1, "kw": 1}, flags=Flag.ACC_OUT, wait=1)
    go_on = replace(begin, flags=Flag.ACC_IN | Flag.ACC_OUT)
    assert [f.record for f in check_uninitialised(model([begin, go_on], [LOAD])) if f.record] == []
    assert [f.operand for f in check_uninitialised(model([go_on, begin], [LOAD])) if f.record] == ["acc"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (Command("NOP", wait=9), "waits for record 9 of GDMA's 1"),
        (Command("COPY", {"out": local(0, DIMS)}), "COPY in isn't there"),
        (Command("COPY", {"in": local(0, DIMS), "out": local(0, DIMS)}, tag=7), "tag 7 names none of 1 layers"),
        (Command("ARITH", {"a": local(0, DIMS), "out": local(0, DIMS)}, function="add"), "ARITH b isn't there"),
        (Command("CONV", {"in": local(0, DIMS), "filter": local(0, DIMS)}, flags=Flag.ACC_OUT), "CONV acc isn't there"),
        (LOAD, "LOAD is an op of GDMA"),
        (Command("END"), "1 records follow the first END"),
    ],
)
def test_structure(command: Command, message: str) -> None:
    assert [f.message for f in check_structure(model([command], []))] == [message]


def test_scalars_and_unfinished_sums_need_no_operand() -> None:
    scalar = Command("ARITH", {"a": local(0, DIMS), "out": local(0, DIMS)}, {"scalar": 2.0}, "add", Flag.SCALAR_B)
    assert not list(check_structure(model([scalar], [])))


def test_garbage_is_named() -> None:
    made = copy_twice()
    tiu = made.tiu.copy()
    tiu["op"][0], tiu["function"][1], tiu["operands"]["dtype"][2, 0] = 99, 3, 77
    assert [f.message for f in check_structure(replace(made, tiu=tiu))] == [
        "no op has code 99",
        "COPY has no function 3",
        "COPY out: type 77 or region 0 isn't known",
    ]


def test_a_stream_must_end() -> None:
    made = copy_twice()
    found = check(replace(made, gdma=made.gdma[:-1], tiu=made.tiu[:0]))
    assert {str(f) for f in found} >= {"structure: TIU stream: has no END", "structure: GDMA stream: has no DMA_END"}


def test_deadlock() -> None:
    made = model([Command("NOP", wait=1)], [replace(LOAD, wait=1)])
    (found,) = check(made)
    assert "TIU record 1 waits for GDMA record 1, GDMA record 1 waits for TIU record 1" in found.message


def test_findings_read_well() -> None:
    made = copy_twice()
    gdma = made.gdma.copy()
    gdma["wait"] = np.where(gdma["op"] == 33, 0, gdma["wait"])
    assert [str(finding) for finding in check(replace(made, gdma=gdma))] == [
        "races: GDMA record 2, layer store: RAW: STORE reads LOCAL bytes 8192 to 8320 (in), which TIU record 1 writes, "
        "and no wait orders the two (tensor x; lanes 0 to 8; the other is COPY; of layer copy; 4 alike)"
    ]


@pytest.mark.parametrize(
    ("command", "bytes_"),
    [
        (Command("COPY", {"out": local(64, DIMS), "in": local(0, DIMS)}), [(64, 128)]),
        (Command("COPY", {"out": local(0, DIMS), "in": local(0, DIMS)}), []),
        (Command("CAST", {"out": local(0, DIMS), "in": local(0, DIMS, DType.F32)}), [(0, 128)]),
        (Command("POOL", {"out": local(0, DIMS), "in": local(0, DIMS)}, function="max"), [(0, 128)]),
        (Command("LUT", {"out": TABLE, "in": local(512, TABLE.dims), "table": TABLE}), [(0, 256)]),
        (Command("COPY", {"out": replace(EVEN, addr=1), "in": EVEN}), []),
    ],
)  # fmt: skip
def test_overlap(command: Command, bytes_: list[tuple[int, int]]) -> None:
    assert [(f.start, f.stop) for f in check_overlap(model([command], []))] == bytes_


def test_accumulators_go_on_in_place() -> None:
    operands = {"in": local(0, DIMS), "filter": local(1024, (1, 8, 8, 1)), "acc": local(8192, DIMS, DType.I32)}
    flags = Flag.ACC_IN | Flag.ACC_OUT
    assert not list(check_overlap(model([Command("CONV", operands, flags=flags)], [])))
    finishing = Command("CONV", {**operands, "out": local(8192, DIMS)}, flags=Flag.ACC_IN)
    assert [f.operand for f in check_overlap(model([finishing], []))] == ["acc"]
