"""Cycles of records, against figures worked out by hand from docs/isa.md, Time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.chip import CHIPS, Chip, variant
from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Flag, Region
from simulator.layout import Frame, strides
from simulator.passes import PASSES
from simulator.timing import (
    bank_conflicts,
    contiguous,
    conv_work,
    copy_work,
    cycles,
    depthwise_work,
    matmul_work,
    transfer,
    transfer_cycles,
    vector_work,
)

X64, E16, E8 = CHIPS["x64"], CHIPS["e16"], CHIPS["e8"]


def local(addr: int, dims: Frame, dtype: DType = DType.I8) -> Operand:
    return Operand(addr, dtype, dims, strides(dims, dtype.itemsize, X64))


def far(dims: Frame, steps: Frame, dtype: DType = DType.I8) -> Operand:
    return Operand(0, dtype, dims, steps, Region.ACTIVATION)


@pytest.mark.parametrize(
    ("got", "by_hand"),
    [
        (conv_work(X64, DType.I8, 1, 64, 56, 56, 64, 3, 3), 784 * 9),
        (conv_work(X64, DType.U8, 1, 64, 112, 112, 3, 7, 7), 3136 * 3),
        (conv_work(X64, DType.BF16, 1, 65, 5, 1, 64, 1, 1), 2 * 2 * 2),
        (conv_work(E8, DType.F16, 2, 9, 3, 3, 7, 3, 3), 2 * 2 * 9 * 8),
        (conv_work(X64, DType.F32, 1, 64, 4, 5, 3, 3, 3), 2 * 27),
        (matmul_work(X64, DType.I8, 1, 1000, 2048), 16 * 32),
        (matmul_work(E16, DType.F32, 5, 17, 10), 2 * 2 * 10),
        (depthwise_work(X64, DType.BF16, 1, 96, 56, 56, 3, 3), 2 * 98 * 9),
        (vector_work(E16, 4, 3, 17, 3, 3, 5), 3 * 2 * 3 * 5),
        (copy_work(E16, 1, 3, 17, 5, 5, 0), 3 * 2 * 2),
        (copy_work(E16, 1, 3, 17, 5, 5, 15), 3 * 2 * 2),
        (copy_work(E16, 1, 3, 18, 5, 5, 15), 3 * 3 * 2),
    ],
)
def test_work(got: int, by_hand: int) -> None:
    assert got == by_hand


def test_transfer_takes_the_slower_of_memory_and_lanes() -> None:
    assert transfer_cycles(X64, 1, 64 * 64, 64 * 64, 64) == 16 + 61
    assert transfer_cycles(X64, 64, 1, 64, 64) == 16 + 61, "a run of one byte takes a whole burst"
    assert transfer_cycles(X64, 1, 65536, 65536, 1) == 16 + 1024, "one lane takes 64 bytes a cycle"
    assert transfer_cycles(E8, 1, 640, 640, 8) == 16 + 100


def test_a_chip_may_write_at_a_rate_of_its_own() -> None:
    chip = CHIPS["x64"]
    slow = variant(chip, ddr_bytes_per_second=58.0e9, ddr_write_bytes_per_second=44.0e9)
    moved = 1, 58 * 44 * 64, 64, 64
    assert transfer_cycles(slow, *moved) == 16 + 44 * 64
    assert transfer_cycles(slow, *moved, store=True) == 16 + 58 * 64
    assert transfer_cycles(chip, *moved) == transfer_cycles(chip, *moved, store=True)
    assert len({slow.digest(), chip.digest(), variant(slow, ddr_write_bytes_per_second=58.0e9).digest()}) == 3


def test_every_operand_that_shares_a_bank_is_charged() -> None:
    bank = X64.bank_bytes
    assert bank_conflicts(X64, [(0, bank), (bank, bank + 1), (2 * bank, 3 * bank)]) == 0
    assert bank_conflicts(X64, [(0, bank + 1), (bank, bank + 1)]) == 2
    assert bank_conflicts(X64, [(0, 4), (4, 8), (8, 12)]) == 3
    assert bank_conflicts(X64, [(0, 4), (bank, bank + 4), (bank + 4, bank + 8)]) == 2


def test_cycles_of_a_conv_record() -> None:
    bank = X64.bank_bytes
    operands = {
        "out": local(0, (1, 64, 8, 8)),
        "in": local(bank, (1, 64, 8, 8)),
        "filter": local(2 * bank, (1, 64, 64, 1)),
        "params": local(3 * bank, (1, 64, 1, 3), DType.I32),
    }
    command = Command("CONV", operands, {"kh": 1, "kw": 1})
    assert cycles(command, X64) == 24 + 16
    shared = Command("CONV", {**operands, "in": local(64, (1, 64, 8, 8))}, {"kh": 1, "kw": 1})
    assert cycles(shared, X64) == 3 * (24 + 16)


def test_accumulators_stand_in_for_the_result() -> None:
    operands = {"in": local(0, (4, 128, 1, 1)), "filter": local(16384, (1, 64, 128, 1))}
    acc = local(2 * 16384, (4, 64, 1, 1), DType.I32)
    command = Command("MATMUL", {**operands, "acc": acc}, flags=Flag.ACC_OUT)
    assert cycles(command, X64) == 24 + 2
    idle = Command("MATMUL", {**command.operands, "out": local(0, (4, 64, 1, 1))}, flags=Flag.ACC_OUT)
    assert cycles(idle, X64) == 24 + 2, "a result that isn't written conflicts with nothing"


@pytest.mark.parametrize(
    ("op", "function", "out", "source", "passes"),
    [
        ("ARITH", "add", DType.F32, DType.F32, 1),
        ("ARITH", "div", DType.F32, DType.F32, 5),
        ("CAST", "", DType.I8, DType.F32, 5),
        ("CAST", "", DType.F32, DType.U8, 2),
        ("CAST", "", DType.F32, DType.BF16, 1),
        ("POOL", "max", DType.F32, DType.F32, 9),
        ("POOL", "avg", DType.F32, DType.F32, 9 + 5),
    ],
)
def test_vector_records(op: str, function: str, out: DType, source: DType, passes: int) -> None:
    reads = "a" if op == "ARITH" else "in"
    operands = {"out": local(0, (1, 64, 4, 8), out), reads: local(16384, (1, 64, 4, 8), source)}
    params = {"kh": 3, "kw": 3} if op == "POOL" else {}
    assert cycles(Command(op, operands, params, function), X64) == 24 + 2 * passes


def test_a_mean_reads_its_input_and_finishes_its_results() -> None:
    operands = {"out": local(0, (1, 64, 1, 1)), "in": local(16384, (1, 64, 16, 8))}
    assert cycles(Command("REDUCE", operands, function="mean"), X64) == 24 + 2 + 2


def test_runs_of_a_slice() -> None:
    assert contiguous(far((1, 64, 8, 8), (4096, 64, 8, 1))) == (1, 4096)
    assert contiguous(far((1, 64, 4, 8), (4096, 64, 8, 1))) == (64, 32)
    assert contiguous(far((2, 3, 4, 4), (4096, 64, 8, 1), DType.I8)) == (24, 4)
    assert contiguous(far((2, 1, 4, 4), (4, 4, 8, 1))) == (8, 4), "two images interleaved row by row"
    assert contiguous(far((1, 64, 1, 256), (0, 0, 256, 1))) == (1, 256), "a table for every lane is fetched once"


def test_a_transfer_counts_payload_and_wire() -> None:
    near = local(0, (1, 64, 4, 8))
    cost = transfer(Command("LOAD", {"out": near, "in": far((1, 64, 4, 8), (4096, 64, 8, 1))}), X64)
    assert (cost.payload, cost.wire, cost.latency) == (2048, 4096, 128)
    assert cost.occupancy == 16 + 61


def test_an_index_ends_a_run_and_is_on_the_bus_too() -> None:
    near, table = local(0, (1, 16, 4, 8), DType.F32), far((1, 90, 4, 8), (11520, 128, 32, 4), DType.F32)
    index = far((1, 16, 4, 8), (0, 4, 0, 0), DType.I32)
    rows = transfer(Command("GATHER", {"out": near, "in": table, "index": index}, {"axis": 1}), X64)
    assert (rows.payload, rows.wire) == (16 * 128 + 64, 16 * 128 + 64)
    each = replace(index, strides=(0, 128, 32, 4))
    elements = transfer(Command("GATHER", {"out": near, "in": table, "index": each}, {"axis": 1}), X64)
    assert (elements.payload, elements.wire) == (512 * 4 + 2048, 512 * 64 + 2048)
    updates = far((1, 16, 4, 8), (2048, 128, 32, 4), DType.F32)
    scatter = Command(
        "SCATTER", {"out": local(0, (1, 90, 4, 8), DType.F32), "in": updates, "index": index}, {"axis": 1}
    )
    assert transfer(scatter, X64) == rows


def test_engines_are_not_mixed_up() -> None:
    with pytest.raises(ValueError, match="no record of the TIU"):
        cycles(Command("DMA_END"), X64)
    with pytest.raises(ValueError, match="no record of the GDMA"):
        transfer(Command("NOP"), X64)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 40), st.integers(1, 7), st.sampled_from((X64, E16, E8)))
def test_no_conv_beats_the_cube(oc: int, ic: int, pixels: int, kernel: int, chip: Chip) -> None:
    done = conv_work(chip, DType.I8, 1, oc, pixels, 1, ic, kernel, kernel)
    assert done * chip.lanes * chip.cube_ic * chip.cube_px >= oc * ic * pixels * kernel * kernel


def test_each_entry_says_why() -> None:
    assert all(entry.count >= 1 and entry.why for entry in PASSES.values())
