"""Sums in int64: modulo 2^32 the chip's own, and exactly these where int32 holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator.checks.wide import SUMS, sums
from simulator.cores import Turn
from simulator.execute.site import Site
from simulator.execute.table import Step
from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Flag, Region
from simulator.layout import Frame
from simulator.machine import Machine
from simulator.memory import Memory
from tests.simulator.programs import DTYPES, Program

WINDOW: Mapping[str, float] = {"kh": 3, "kw": 3, "sh": 1, "sw": 1, "dh": 1, "dw": 1, "pt": 1, "pl": 1, "pb": 1, "pr": 1}
ON = Flag.ACC_IN | Flag.ACC_OUT
NUMPY = {kind: dtype for dtype, kind in DTYPES.items()}


class Drawn(Program):
    """A program whose inputs are drawn."""

    def __init__(self, draw: np.random.Generator) -> None:
        super().__init__()
        self._draw = draw
        self.kind = DType.U8 if draw.integers(2) else DType.I8
        self.zero = int(draw.integers(0, 128))

    def any(self, dims: Frame, kind: DType | None = None) -> Operand:
        """Local, of any numbers of a type."""
        dtype = NUMPY[kind or self.kind]
        limits = np.iinfo(dtype.name)
        return self.load(self.feed(self._draw.integers(limits.min, limits.max, dims, dtype.type, endpoint=True)))


def convolution(program: Drawn) -> Command:
    operands = {"in": program.any((1, 5, 4, 4)), "filter": program.any((1, 6, 5, 9), DType.I8)}
    acc = program.any((1, 6, 4, 4), DType.I32)
    return Command("CONV", operands | {"acc": acc}, {**WINDOW, "zx": program.zero}, flags=ON)


def depthwise(program: Drawn) -> Command:
    operands = {"in": program.any((1, 5, 4, 4)), "filter": program.any((1, 5, 1, 9), DType.I8)}
    acc = program.any((1, 5, 4, 4), DType.I32)
    return Command("DWCONV", operands | {"acc": acc}, {**WINDOW, "zx": program.zero}, flags=ON)


def matmul(program: Drawn) -> Command:
    operands = {"in": program.any((3, 7, 1, 1)), "filter": program.any((1, 6, 7, 1), DType.I8)}
    acc = program.any((3, 6, 1, 1), DType.I32)
    return Command("MATMUL", operands | {"acc": acc}, {"zx": program.zero}, flags=ON)


def finished(program: Drawn) -> Command:
    """Like the last, but of sums that end in i32: the bias is added."""
    begun = matmul(program)
    params, acc = program.any((1, 6, 1, 3), DType.I32), begun.operands["acc"]
    assert acc is not None
    return Command("MATMUL", {**begun.operands, "params": params, "out": acc}, begun.params, flags=Flag.ACC_IN)


def products(program: Drawn) -> Command:
    turned = program.zero % 2
    right = program.any((2, 5, 7, 1) if turned else (2, 7, 5, 1))
    operands = {"a": program.any((2, 3, 7, 1)), "b": right, "acc": program.any((2, 3, 5, 1), DType.I32)}
    return Command("BMATMUL", operands, {"za": program.zero, "zb": program.zero, "turned": turned}, flags=ON)


def finished_products(program: Drawn) -> Command:
    operands = {"a": program.any((2, 3, 7, 1)), "b": program.any((2, 7, 5, 1))}
    params, out = program.any((1, 5, 1, 3), DType.I32), program.local((2, 3, 5, 1), DType.I32)
    return Command("BMATMUL", operands | {"params": params, "out": out}, {"za": program.zero})


def reduction(program: Drawn) -> Command:
    operands = {"in": program.any((1, 5, 4, 6)), "acc": program.any((1, 5, 1, 1), DType.I32)}
    return Command("REDUCE", operands, {"over_h": 1, "over_w": 1, "zx": program.zero}, "sum", ON)


def resampling(program: Drawn) -> Command:
    rows: NDArray[Any] = (
        np.random.default_rng(program.zero).integers(-(1 << 31), 1 << 31, (1, 1, 3, 3)).astype(np.int32)
    )
    rows[..., 0] = [[[0, 1, 2]]]
    operands = {"in": program.any((1, 5, 4, 4)), "table": program.everywhere(program.feed(rows))}
    out = program.local((1, 5, 3, 4), DType.I32)
    return Command("RESAMPLE", operands | {"out": out}, {"axis": 2, "zx": program.zero}, "sum")


MAKERS = (convolution, depthwise, matmul, finished, products, finished_products, reduction, resampling)


def test_every_op_that_sums_is_tried() -> None:
    assert {maker(Drawn(np.random.default_rng(0))).op for maker in MAKERS} == SUMS.keys()


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
@settings(max_examples=12)
@given(seed=st.integers(0, 1 << 32))
def test_as_the_chip_but_for_wrapping(maker: Any, seed: int) -> None:
    program = Drawn(np.random.default_rng(seed))
    command: Command = maker(program)
    program.commands.append(command)
    model, found = program.model(), list[NDArray[np.int64]]()
    memory = Memory(model.chip, model.weights, 0, model.io_bytes)
    for name, entry in zip(program.feeds, model.inputs, strict=True):
        raw = np.ascontiguousarray(program.feeds[name]).view(np.uint8).reshape(-1)
        memory.regions[Region.IO][entry.offset : entry.offset + raw.size] = raw

    def watch(turn: Turn, watched: Command, step: Step) -> Step:
        def look() -> None:
            found.append(sums(Site(watched, 1, memory, {})))
            step()

        return look if watched.op == command.op else step

    Machine([memory], model.cores, watch=watch).run()
    made = command.operands["acc" if Flag.ACC_OUT in command.flags else "out"]
    assert made is not None
    held, (wide,) = memory.place(made).gather(), found
    assert np.array_equal(wide.astype(np.int32), held)
    fits = (wide >= -(1 << 31)) & (wide < 1 << 31)
    assert np.array_equal(wide[fits], held[fits])
