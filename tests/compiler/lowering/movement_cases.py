"""Moves by shape and by index, a small network for each lowering rule (see `cases`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from xdsl.dialects.builtin import FloatAttr, StringAttr, f64
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import integer, ints
from compiler.dialects.top import ops as top
from compiler.ir.network import Shape
from tests.compiler.lowering.networks import Builder

Case = Callable[[Builder, np.random.Generator], SSAValue]


def of_input(kind: type[top.TopOp], dims: Shape, **attributes: Attribute) -> Case:
    """An op of one input."""

    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        return b.op(kind, b.input("x", *dims), **attributes)

    return make


def pad(mode: str, value: float = 0.0) -> Case:
    given = {"paddings": ints(0, 1, 2, 0, 1, 3), "mode": StringAttr(mode), "val": FloatAttr(value, f64)}
    return of_input(top.PadOp, (3, 4, 5), **given)


def by_index(kind: type[top.Picking], dims: Shape, told: Shape, rows: int, **attributes: Attribute) -> Case:
    """Picked by indices that are known."""

    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        return b.op(kind, b.input("x", *dims), b.indices(rng.integers(-rows, rows, told)), **attributes)

    return make


def put(reduction: str) -> Case:
    """Positive numbers into signed ones, each in its own place."""

    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        told = np.stack([rng.permutation(6)[:4] for _ in range(3)])
        operands = [b.input("x", 3, 6), b.indices(told), b.input("u", 3, 4)]
        return b.op(top.ScatterElementsOp, *operands, axis=integer(1), reduction=StringAttr(reduction))

    return make


def put_by_tuples(b: Builder, rng: np.random.Generator) -> SSAValue:
    operands = [b.input("x", 4, 3, 5), b.indices(np.array([[3, 0], [0, -1], [2, 2]])), b.input("u", 3, 5)]
    return b.op(top.ScatterNDOp, *operands)


def reversed_sequences(b: Builder, rng: np.random.Generator) -> SSAValue:
    axes = {"batch_axis": integer(0), "time_axis": integer(1)}
    return b.op(top.ReverseSequenceOp, b.input("x", 3, 6, 2), b.indices(np.array([2, 6, 3])), **axes)


MOVES: Mapping[str, Case] = {
    "permute rank 5": of_input(top.PermuteOp, (2, 3, 2, 4, 2), order=ints(3, 1, 4, 0, 2)),
    "slice backwards": of_input(
        top.SliceOp, (5, 4, 3), offset=ints(4, 0, 2), ends=ints(0, 4, -4), steps=ints(-2, 1, -1)
    ),
    "expand": of_input(top.ExpandOp, (3, 1, 4, 1), shape=ints(2, 3, 2, 4, 3)),
    "tile": of_input(top.TileOp, (3, 2), tile=ints(2, 3)),
    "pad edge": pad("edge"), "pad reflect": pad("reflect"), "pad wrap": pad("wrap"),
    "pad constant": pad("constant", 1.5),
    "gather": by_index(top.GatherOp, (3, 7, 4), (2, 4), 7, axis=integer(1)),
    "gather elements": by_index(top.GatherElementsOp, (3, 7, 4), (3, 5, 4), 7, axis=integer(1)),
    "gather nd": by_index(top.GatherNDOp, (3, 3, 4), (5, 2), 3),
    "scatter elements": put("none"), "scatter elements max": put("max"), "scatter elements add": put("add"),
    "scatter nd": put_by_tuples,
    "reverse sequence": reversed_sequences,
}  # fmt: skip
"""By name."""
FLOAT_IN_INT8 = {"scatter elements add"}
"""The cases that an int8 network computes in f32."""
