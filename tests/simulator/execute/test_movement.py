"""Moves: where each byte of a tensor lands, for every start lane and stride."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.chip import CHIPS
from simulator.cores import Streams
from simulator.execute.site import IllegalRecord
from simulator.isa.record import Command, Operand, encode
from simulator.isa.table import DType, Region
from simulator.machine import Machine
from simulator.memory import POISON, Memory
from tests.simulator.programs import Frame, Program

FRAMES = st.tuples(st.integers(1, 2), st.integers(1, 30), st.integers(1, 5), st.integers(1, 5))


@settings(max_examples=100)
@given(FRAMES, st.integers(0, 7), st.sampled_from([np.int8, np.float16, np.float32]))
def test_each_element_lies_where_the_layout_says(dims: Frame, lane: int, kind: Any) -> None:
    """Channel c in lane (start + c) mod lanes at depth (start + c) // lanes; nothing else is touched."""
    chip = CHIPS["e8"]
    size = np.dtype(kind).itemsize
    dtype = {1: DType.I8, 2: DType.F16, 4: DType.F32}[size]
    strides = (5 * 32 * 4 * 4, 32 * 4 * 4, 6 * size, size)
    operand = Operand(64, dtype, dims, strides, lane=lane)
    values = np.random.default_rng(0).integers(0, 100, dims).astype(kind)
    memory = Memory(chip, np.zeros(0, np.uint8), 0, 0)
    memory.place(operand).scatter(values)
    expected = np.full((chip.lanes, chip.lane_bytes), POISON, np.uint8)
    for i, c, y, x in np.ndindex(*dims):
        depth, row = divmod(lane + c, chip.lanes)
        at = 64 + i * strides[0] + depth * strides[1] + y * strides[2] + x * size
        expected[row, at : at + size] = np.frombuffer(values[i, c, y, x].tobytes(), np.uint8)
    assert np.array_equal(memory.lanes, expected)
    assert np.array_equal(memory.place(operand).gather(), values)


@settings(max_examples=40)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 20))
def test_concatenation_by_start_lane(a: int, b: int, c: int) -> None:
    """Three loads put their channels one after another; one store takes them all."""
    rng = np.random.default_rng(0)
    parts = [rng.integers(-128, 128, (2, channels, 3, 3)).astype(np.int8) for channels in (a, b, c)]
    program = Program("e8")
    whole = program.local((2, a + b + c, 3, 3), DType.I8)
    first = 0
    for part in parts:
        depth, lane = divmod(first, 8)
        target = replace(whole, addr=whole.addr + depth * whole.strides[1], lane=lane, dims=(2, part.shape[1], 3, 3))
        program.do("LOAD", out=target, in_=program.feed(part))
        first += part.shape[1]
    program.store(whole)
    assert np.array_equal(program.run()[0], np.concatenate(parts, 1))


def test_a_load_transposes_by_strides_and_repeats_by_stride_0() -> None:
    x = np.arange(3 * 4 * 5, dtype=np.float32).reshape(1, 3, 4, 5)
    program = Program("e8")
    source = program.feed(x)
    n, c, h, w = source.strides
    turned, many = program.local((1, 5, 4, 3), DType.F32), program.local((2, 3, 4, 5), DType.F32)
    program.do("LOAD", out=turned, in_=replace(source, dims=(1, 5, 4, 3), strides=(n, w, h, c)))
    program.do("LOAD", out=many, in_=replace(source, dims=(2, 3, 4, 5), strides=(0, c, h, w)))
    program.store(turned)
    program.store(many)
    one, other = program.run()
    assert np.array_equal(one, x.transpose(0, 3, 2, 1))
    assert np.array_equal(other, np.repeat(x, 2, 0))


def test_copy_within_lanes() -> None:
    """A shift by a row onto itself: the source is read before anything is written."""
    x = np.arange(9 * 4 * 2, dtype=np.int8).reshape(1, 9, 4, 2)
    program = Program("e8")
    held = program.load(program.feed(x))
    upper = replace(held, dims=(1, 9, 3, 2))
    program.do("COPY", out=replace(upper, addr=held.addr + held.strides[2]), in_=upper)
    program.store(held)
    assert np.array_equal(program.run()[0], np.concatenate([x[:, :, :1], x[:, :, :3]], 2))


@settings(max_examples=60, deadline=None)
@given(FRAMES, st.integers(0, 7), st.integers(0, 7), st.sampled_from([np.int8, np.float32]))
def test_a_copy_turns_channels_round_to_other_lanes(dims: Frame, start: int, end: int, kind: Any) -> None:
    """Byte by byte: channel c goes from lane (start + c) mod lanes to lane (end + c) mod lanes; no other byte moves."""
    n, c, h, w = dims
    size = np.dtype(kind).itemsize
    dtype = {1: DType.I8, 4: DType.F32}[size]
    strides, turned = (5 * 128, 128, 6 * size, size), (5 * 128, 128, size, 5 * size)
    source, target = Operand(0, dtype, dims, strides, lane=start), Operand(8192, dtype, dims, turned, lane=end)
    memory = Memory(CHIPS["e8"], np.zeros(0, np.uint8), 0, 0)
    copying = encode([Command("COPY", {"out": target, "in": source}), Command("END")])
    machine, held = Machine([memory], [Streams(copying, encode([Command("DMA_END")]))]), memory.lanes
    held[:, :8192] = np.random.default_rng(0).integers(0, 256, (8, 8192))
    before = held.copy()
    machine.run()
    for i, channel, y, x, byte in np.ndindex(n, c, h, w, size):
        (from_depth, from_lane), (to_depth, to_lane) = divmod(start + channel, 8), divmod(end + channel, 8)
        read = i * 640 + from_depth * 128 + y * 6 * size + x * size + byte
        before[to_lane, 8192 + i * 640 + to_depth * 128 + y * size + x * 5 * size + byte] = before[from_lane, read]
    assert np.array_equal(held, before)


@pytest.mark.parametrize("chip", ["e8", "x64"])
def test_rows_of_a_table_by_index_from_either_end(chip: str) -> None:
    """Each image has indices of its own; those beyond the table make zeros."""
    table = np.arange(7 * 5, dtype=np.float32).reshape(1, 7, 5, 1)
    index = np.array([[0, 6, -1, -7, 7, -8], [3, 3, 2, 1, 0, 5]], np.int32).reshape(2, 6, 1, 1)
    program = Program(chip)
    rows, told = program.feed(table), program.feed(index)
    made = program.local((2, 6, 5, 1), DType.F32)
    n, c, _, _ = told.strides
    rows = replace(rows, dims=(2, 7, 5, 1), strides=(0, *rows.strides[1:]))
    told = replace(told, dims=(2, 6, 5, 1), strides=(n, c, 0, 0))
    program.do("GATHER", out=made, in_=rows, index=told, axis=1)
    program.store(made)
    flat = np.where(np.abs(index + 0.5) < 7, index % 7, 7)[..., 0, 0]
    expected = np.concatenate([table[0, :, :, 0], np.zeros((1, 5), np.float32)])[flat]
    assert np.array_equal(program.run()[0][..., 0], expected)


def test_updates_land_in_their_rows_one_after_another() -> None:
    """Rows 4 to 6 of a tensor of 8 are here: other updates pass by; a row that is met twice adds up."""
    x = np.zeros((1, 9, 3, 2), np.float32)
    updates = np.arange(1, 1 + 9 * 5 * 2, dtype=np.float32).reshape(1, 9, 5, 2)
    index = np.array([4, -2, 0, 7, 6], np.int32).reshape(1, 1, 5, 1)
    program = Program("e8")
    held, given_, told = program.load(program.feed(x)), program.feed(updates), program.feed(index)
    told = replace(told, dims=(1, 9, 5, 2), strides=(0, 0, 4, 0))
    program.do("SCATTER", "add", out=held, in_=given_, index=told, axis=2, first=4, rows=8)
    program.store(held)
    expected = x.copy()
    expected[:, :, 0] = updates[:, :, 0]
    expected[:, :, 2] = updates[:, :, 1] + updates[:, :, 4]
    assert np.array_equal(program.run()[0], expected)


def weight_and_copy() -> tuple[Program, Operand, Operand]:
    """A program with eight weights, and their copy in local memory."""
    program = Program("e8")
    weight = program.weight(np.zeros((1, 8, 1, 1), np.int8))
    return program, weight, program.load(weight)


def illegal_moves() -> dict[str, tuple[Program, str, Operand, Operand]]:
    """By message: a program, and the move that is wrong in it, to and from."""
    program, weight, local = weight_and_copy()
    empty, long = (1, 8, 0, 1), (1, 65, 1, 1)
    moves: dict[str, tuple[str, Operand, Operand]] = {
        "STORE out: lies in WEIGHT": ("STORE", weight, local),
        "STORE in: lies in WEIGHT": ("STORE", replace(weight, region=Region.ACTIVATION), weight),
        "LOAD in: lies in LOCAL": ("LOAD", local, local),
        "LOAD in: bytes 0 to 65 leave WEIGHT": ("LOAD", replace(local, dims=long), replace(weight, dims=long)),
        "LOAD in: bytes -7 to 1": ("LOAD", local, replace(weight, strides=(0, -1, 0, 0))),
        "LOAD in: type U8": ("LOAD", local, replace(weight, dtype=DType.U8)),
        "LOAD out: bytes 32764 to 32770": ("LOAD", replace(local, addr=32764, strides=(0, 5, 0, 0), lane=1), weight),
        "LOAD out: lane 8": ("LOAD", replace(local, lane=8), weight),
        "LOAD out: extents .* empty": ("LOAD", replace(local, dims=empty), replace(weight, dims=empty)),
    }
    return {message: (program, *move) for message, move in moves.items()}


@pytest.mark.parametrize("message", illegal_moves())
def test_illegal_moves_name_the_field(message: str) -> None:
    program, op, out, source = illegal_moves()[message]
    program.do(op, out=out, in_=source)
    with pytest.raises(IllegalRecord, match=f"^GDMA record 2: {message}"):
        program.run()
