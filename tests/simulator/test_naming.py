"""Operands of records by the tensors that a reader of the network knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.debug_map import TensorSlice
from simulator.holdings import contains, extent
from simulator.isa.record import Command, Operand, encode
from simulator.isa.table import DType, Engine, Flag, Region
from simulator.memory import Memory
from simulator.model_file import Model, Tensor
from simulator.naming import Names
from simulator.onnx_host import Form
from simulator.subnets import ChipSubnet, HostSubnet, HostValue
from tests.simulator.hand_made import E8, copy_twice, far, local, model
from tests.simulator.two_cores import halves

PLANE = (1, 8, 4, 32)
BOX = ((0, 1), (0, 8), (0, 4), (0, 32))


def tensor(name: str, record: int, operand: Operand, engine: Engine = Engine.TIU, core: int = 0) -> Tensor:
    return Tensor(name, operand.dims, operand.dtype, slices=[TensorSlice(engine, record, operand, BOX, core)])


def network() -> Model:
    """Conv in two records along ic, a rescaled copy of it, and a sum of both."""
    x, conv, acc, twice, total = (local(4096 * i, PLANE) for i in range(5))
    sums = replace(acc, dtype=DType.I32, strides=tuple(4 * step for step in acc.strides))
    filter_, params = local(24576, (1, 8, 8, 1)), local(24832, (1, 8, 1, 3), DType.I32)
    window: dict[str, float] = dict.fromkeys(("kh", "kw", "sh", "sw", "dh", "dw"), 1)
    tiu = [
        Command("CONV", {"acc": sums, "in": x, "filter": filter_}, window, flags=Flag.ACC_OUT, wait=2),
        Command(
            "CONV", {"out": conv, "acc": sums, "in": x, "filter": filter_, "params": params}, window, "", Flag.ACC_IN, 3
        ),
        Command("ARITH", {"out": twice, "a": conv, "b": conv}, function="add", tag=1),
        Command("ARITH", {"out": twice, "a": twice, "b": twice}, function="max", tag=1),
        Command("ARITH", {"out": total, "a": conv, "b": twice}, function="add", tag=2),
    ]
    gdma = [
        Command("LOAD", {"out": x, "in": far(Region.IO, 0, PLANE)}),
        Command("LOAD", {"out": filter_, "in": far(Region.WEIGHT, 0, (1, 8, 8, 1))}),
        Command("LOAD", {"out": params, "in": far(Region.WEIGHT, 64, (1, 8, 1, 3), DType.I32)}),
        Command("STORE", {"out": far(Region.ACTIVATION, 0, PLANE), "in": twice}, wait=4, tag=1),
        Command("LOAD", {"out": x, "in": far(Region.ACTIVATION, 0, PLANE)}, tag=2),
        Command("STORE", {"out": far(Region.IO, 2048, PLANE), "in": total}, wait=5, tag=2),
    ]
    tensors = tensor("conv1", 2, conv), tensor("doubled", 4, twice), tensor("sum", 5, total)
    return replace(model(tiu, gdma, ("conv1", "doubled", "sum")), tensors=tensors)


def test_records_are_told_by_tensors() -> None:
    names = Names(network())
    assert [dict(names.all(0, Engine.TIU, record)) for record in range(1, 7)] == [
        {"in": "x", "filter": "conv1:filter", "acc": "conv1:acc"},
        {"in": "x", "filter": "conv1:filter", "params": "conv1:params", "acc": "conv1:acc", "out": "conv1"},
        {"a": "conv1", "b": "conv1", "out": "doubled"},
        {"a": "doubled", "b": "doubled", "out": "doubled"},
        {"a": "conv1", "b": "doubled", "out": "sum"},
        {},
    ]
    assert [dict(names.all(0, Engine.GDMA, record)) for record in range(1, 7)] == [
        {"in": "x", "out": "x"},
        {"in": "conv1:filter", "out": "conv1:filter"},
        {"in": "conv1:params", "out": "conv1:params"},
        {"in": "doubled", "out": "doubled"},
        {"in": "doubled", "out": "doubled"},
        {"in": "sum", "out": "y"},
    ]
    assert names.of(0, Engine.TIU, 5, "b") == "doubled"
    assert (
        names.of(0, Engine.TIU, 5, "acc") == names.of(1, Engine.TIU, 1, "in") == names.of(0, Engine.TIU, 99, "in") == ""
    )


def test_a_buffer_is_what_it_last_became() -> None:
    """Both buffers of the program serve twice; a copy is what it is a copy of."""
    names = Names(copy_twice())
    assert [names.of(0, Engine.TIU, record, "in") for record in range(1, 5)] == ["x"] * 4
    assert [names.of(0, Engine.GDMA, record, "in") for record in (2, 4, 8)] == ["x"] * 3


def test_a_part_of_a_joined_tensor_and_the_whole() -> None:
    half, whole = local(0, (1, 8, 4, 32)), local(0, (1, 16, 4, 32))
    first, second = (replace(half, addr=i * 128, strides=whole.strides) for i in range(2))
    tiu = [
        Command("ARITH", {"out": first, "a": local(8192, PLANE)}, function="copy"),
        Command("ARITH", {"out": second, "a": local(8192, PLANE)}, function="copy", tag=1),
        Command("ARITH", {"out": local(16384, (1, 16, 4, 32)), "a": whole}, function="copy", tag=2),
        Command("ARITH", {"out": local(16384, PLANE), "a": second}, function="copy", tag=2),
    ]
    joined = Tensor("joined", (1, 16, 4, 32), DType.I8, slices=[TensorSlice(Engine.TIU, 1, first, BOX)])
    given = replace(
        model(tiu, (), ("left", "right", "after")),
        tensors=(joined, tensor("left", 1, first), tensor("right", 2, second)),
    )
    names = Names(given)
    assert [names.of(0, Engine.TIU, record, "out") for record in (1, 2)] == ["left", "right"]
    assert [names.of(0, Engine.TIU, record, "a") for record in (1, 3, 4)] == ["", "joined", "right"]


def test_each_core_has_lanes_of_its_own_and_global_memory_in_common() -> None:
    given = halves()
    doubled = [Tensor("doubled", (2, 32, 4, 16), DType.U8, slices=_doubled(given))]
    names = Names(replace(given, tensors=doubled))
    for core in range(2):
        assert dict(names.all(core, Engine.TIU, 1)) == {"a": "x", "b": "x", "out": "doubled"}
        assert dict(names.all(core, Engine.GDMA, 5)) == {"in": "doubled", "out": "doubled"}
        assert names.of(core, Engine.GDMA, 6, "out") == "y"


def _doubled(given: Model) -> list[TensorSlice]:
    """Each core's half, which its first record leaves at 4096."""
    made = local(4096, (1, 32, 4, 16), DType.U8, given.chip)
    return [TensorSlice(Engine.TIU, 1, made, ((i, i + 1), (0, 32), (0, 4), (0, 16)), i) for i in range(2)]


def test_what_the_host_leaves_is_known() -> None:
    gdma = [
        Command("DMA_END"),
        Command("LOAD", {"out": local(0, PLANE), "in": far(Region.ACTIVATION, 0, PLANE)}, wait=1),
        Command("DMA_END"),
    ]
    left = HostValue("sorted", PLANE, Form("int8"), Region.ACTIVATION, 0)
    host = HostSubnet("Sort", "", 0, (), (left,), np.zeros(0, np.uint8))
    parts = ChipSubnet((0, 1), (0, 1)), host, ChipSubnet((1, 2), (1, 3))
    given = replace(model([Command("END")], ()), gdma=encode(gdma), subnets=parts)
    assert dict(Names(given).all(0, Engine.GDMA, 2)) == {"in": "sorted", "out": "sorted"}


def test_a_program_that_deadlocks_has_names_too() -> None:
    given = network()
    given.tiu["wait"][0] = 5
    assert Names(given).of(0, Engine.TIU, 2, "filter") == "conv1:filter"


@settings(max_examples=40)
@given(
    st.tuples(*(st.integers(1, 3),) * 4), st.permutations(range(4)), st.integers(0, 7), st.sampled_from((1, 2)),
    st.tuples(*(st.sampled_from((1, -1)),) * 4), st.integers(0, 1),
)  # fmt: skip
def test_an_operand_contains_just_its_own_bytes(
    dims: tuple[int, int, int, int], order: list[int], lane: int, size: int, signs: tuple[int, ...], gap: int
) -> None:
    """Against the bytes that the memory's own view of the operand writes."""
    strides, step = [0, 0, 0, 0], size + gap * size
    for axis in order:
        strides[axis] = step * signs[axis]
        step *= 3 if axis == 1 else dims[axis]
    n, c, h, w = strides
    operand = Operand(
        400, DType.I8 if size == 1 else DType.F16, (dims[0], dims[1] * 5, *dims[2:]), (n, c, h, w), lane=lane
    )
    memory = Memory(E8, np.zeros(0, np.uint8), 0, 0)
    place = memory.place(operand)
    memory.lanes[...] = 0
    for block in place.blocks:
        block.view(np.uint8 if size == 1 else np.uint16)[...] = np.uint16(0x101) & np.uint16(2 ** (8 * size) - 1)
    first, stop = extent(operand, 8)
    seen = {(lane, byte) for lane, byte in np.argwhere(memory.lanes).tolist()}
    near = range(first - 2, stop + 2)
    assert seen == {(lane, byte) for lane in range(8) for byte in near if contains(operand, lane, byte, 8)}
