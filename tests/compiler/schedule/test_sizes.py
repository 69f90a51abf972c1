"""Every op at four times the size of an `e8` lane is cut so that it fits, and what can't fit says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from xdsl.dialects.builtin import StringAttr, f32, i32
from xdsl.ir import SSAValue

from compiler.dialects.fields import TRUE, integer, ints
from compiler.dialects.tpu.contraction import MatMulOp
from compiler.dialects.tpu.elementwise import CastOp, ElementwiseOp, LutOp, LutsOp, RescaleAddOp, RescaleMulOp
from compiler.dialects.tpu.movement import ConcatOp, ExpandOp, GatherOp, PermuteOp, ScatterOp, SliceOp
from compiler.dialects.tpu.ops import Tpu
from compiler.dialects.tpu.pooling import PoolOp, ReduceOp
from compiler.dialects.tpu.product import BatchMatMulOp, HeadMatMulOp
from compiler.dialects.tpu.windows import DeconvOp, ResampleOp
from compiler.schedule.divide import divide
from compiler.schedule.nodes import Node
from compiler.schedule.plan import Plan
from compiler.schedule.report import rows
from compiler.schedule.single import DoesNotFit
from simulator.chip import CHIPS
from tests.compiler.schedule.networks import INT8, Builder

CHIP = CHIPS["e8"]
SIDE = 512
"""A plane of 512 × 256 bytes is four times a lane's memory."""
PLANE = (1, 3, SIDE, 256)

LONG = 1 << 17
"""Four lanes in one row."""

SIGMOID = StringAttr("(1.0 / (1.0 + exp((0.0 - x0))))")
DOUBLING = {"kernel_shape": ints(4, 4), "strides": ints(2, 2), "pads": ints(1, 1)}
MEAN = {"function": StringAttr("mean"), "axes": ints(2, 3)}

MAKERS: dict[str, Callable[[Builder], SSAValue]] = {
    "wide convolution": lambda b: b.conv(b.input(1, 24, 64, 1024), 16, 3),
    "deep convolution": lambda b: b.conv(b.input(1, 4096, 12, 12), 40, 3),
    "convolution to many channels": lambda b: b.conv(b.input(1, 16, 12, 12), 16384, 3),
    "convolution of one row": lambda b: b.conv(b.input(1, 8, 1, LONG), 8, 1),
    "depthwise convolution": lambda b: b.conv(b.input(1, 24, SIDE, 256), 24, 5, depthwise=True),
    "matrix of many columns": lambda b: b.op(
        MatMulOp, [b.input(4, LONG), b.weight(1, 8, LONG, 1), b.params(8)], (4, 8)
    ),
    "matrix of many rows": lambda b: b.op(MatMulOp, [b.input(LONG, 8), b.weight(1, 8, 8, 1), b.params(8)], (LONG, 8)),
    "matrix to many columns": lambda b: b.op(
        MatMulOp, [b.input(2, 64), b.weight(1, 1 << 15, 64, 1), b.params(1 << 15)], (2, 1 << 15)
    ),
    "pool": lambda b: b.op(
        PoolOp,
        [b.input(*PLANE), b.none()],
        (1, 3, SIDE // 2, 128),
        function=StringAttr("max"),
        kernel_shape=ints(2, 2),
        strides=ints(2, 2),
    ),
    "products of a batch": lambda b: b.op(
        BatchMatMulOp, [b.input(3, SIDE, 256), b.input(3, 256, SIDE), b.none()], (3, SIDE, SIDE), **b.rescale()
    ),
    "products of heads": lambda b: b.op(
        HeadMatMulOp,
        [b.input(1, SIDE, 3 * 256), b.input(1, SIDE, 3 * 256)],
        (1, SIDE, 3, SIDE),
        all=integer(3),
        right_transpose=TRUE,
        **b.rescale(),
    ),
    "transposed convolution": lambda b: b.op(
        DeconvOp, [b.input(1, 24, 64, 512), b.weight(1, 16, 24, 16), b.params(16)], (1, 16, 128, 1024), **DOUBLING
    ),
    "deep transposed convolution": lambda b: b.op(
        DeconvOp, [b.input(1, 2048, 12, 12), b.weight(1, 40, 2048, 16), b.params(40)], (1, 40, 24, 24), **DOUBLING
    ),
    "rows picked": lambda b: b.op(
        ResampleOp,
        [b.input(*PLANE), b.weight(1, 1, 2 * SIDE, 1, element=i32)],
        (1, 3, 2 * SIDE, 256),
        function=StringAttr("pick"),
        axis=integer(2),
        reach=ints(1, 0, 0, 2),
    ),
    "columns summed": lambda b: b.op(
        ResampleOp,
        [b.input(1, 3, 2, LONG), b.weight(1, 1, 3, 2 * LONG, element=i32)],
        (1, 3, 2, 2 * LONG),
        function=StringAttr("sum"),
        axis=integer(3),
        reach=ints(1, -1, 3, 2),
        **b.rescale(),
    ),
    "mean of planes": lambda b: b.op(ReduceOp, [b.input(*PLANE)], (1, 3, 1, 1), **MEAN, **b.rescale()),
    "maximum of columns": lambda b: b.op(
        ReduceOp, [b.input(1, 1, 2, LONG)], (1, 1, 2, 1), function=StringAttr("max"), axes=ints(3)
    ),
    "tables": lambda b: b.op(LutsOp, [b.input(*PLANE), b.weight(1, 1, 3, 256), b.weight(1, 3, 1, 1)], PLANE),
    "table": lambda b: b.op(LutOp, [b.input(*PLANE), b.weight(1, 1, 1, 256)], PLANE),
    "sum": lambda b: b.op(
        RescaleAddOp, [b.input(*PLANE), b.input(*PLANE)], PLANE, multipliers=ints(16384, 16384), rshift=integer(15)
    ),
    "product with a broadcast plane": lambda b: b.op(
        RescaleMulOp, [b.input(1, 1, SIDE, 256), b.input(1, 9, SIDE, 256)], (1, 9, SIDE, 256), **b.rescale()
    ),
    "cast": lambda b: b.op(CastOp, [b.input(*PLANE)], PLANE),
    "concatenation": lambda b: b.op(
        ConcatOp, [b.input(*PLANE), b.input(*PLANE)], (1, 3, 2 * SIDE, 256), axis=integer(2)
    ),
    "permutation": lambda b: b.op(PermuteOp, [b.input(1, 3, 600, 256)], (1, 256, 600, 3), order=ints(0, 3, 2, 1)),
    "slice": lambda b: b.op(
        SliceOp, [b.input(*PLANE)], (1, 3, SIDE // 2, 256), offset=ints(0, 0, 1, 0), steps=ints(1, 1, 2, 1)
    ),
    "expansion": lambda b: b.op(ExpandOp, [b.input(1, 3, 1, 256)], PLANE),
    "rows by index": lambda b: b.op(
        GatherOp, [b.input(1, 3, 40, 256), b.weight(1, 3, SIDE, 1, element=i32)], PLANE, axis=integer(2)
    ),
    "rows to an index": lambda b: b.op(
        ScatterOp,
        [b.input(*PLANE), b.weight(1, 3, 40, 1, element=i32), b.input(1, 3, 40, 256)],
        PLANE,
        axis=integer(2),
        function=StringAttr("set"),
    ),
}

FLOATS: dict[str, Callable[[Builder], SSAValue]] = {
    "formula": lambda b: b.op(
        ElementwiseOp, [b.input(*PLANE)], PLANE, formula=StringAttr("(x0 / (1.0 + exp((0.0 - x0))))")
    ),
    **{name: MAKERS[name] for name in ("wide convolution", "deep convolution", "matrix of many columns")},
}


def groups(builder: Builder, make: Callable[[Builder], SSAValue], seed: int | None) -> list[Plan]:
    """The groups of a network of one op."""
    network = builder.finish(make(builder))
    made = divide(network, CHIP, seed=seed)
    network.module.verify()
    return [part for part in made if isinstance(part, Plan)]


@pytest.mark.parametrize("seed", [None, 1])
@pytest.mark.parametrize("name", MAKERS)
def test_bytes_four_times_a_lane(name: str, seed: int | None) -> None:
    fits(groups(Builder(INT8), MAKERS[name], seed))


@pytest.mark.parametrize("name", FLOATS)
def test_floats_four_times_a_lane(name: str) -> None:
    fits(groups(Builder(f32), FLOATS[name], None))


def fits(plans: list[Plan]) -> None:
    """Several tiles, or an op in parts; none above a lane's memory."""
    (plan,) = plans
    (row,) = rows(plans, CHIP)
    assert plan.grid.tiles > 1 or any(slices.parts > 1 for slices in plan.results.values())
    assert row["lmem_peak"] <= CHIP.lane_bytes


def test_every_op_is_here() -> None:
    used = {node.op.name for make in (*MAKERS.values(), *FLOATS.values()) for node in _nodes(make)}
    views_and_structure = {"tpu.Reshape", "tpu.Group", "tpu.Load", "tpu.Store", "tpu.Yield"}
    assert used >= {op.name for op in Tpu.operations} - views_and_structure


def _nodes(make: Callable[[Builder], SSAValue]) -> list[Node]:
    builder = Builder(f32 if make in FLOATS.values() else INT8)
    return [node for plan in groups(builder, make, None) for node in plan.nodes]


def test_what_cannot_fit_is_named_with_its_bytes() -> None:
    builder = Builder(INT8)
    x = builder.input(1, 8, 300, 300)
    with pytest.raises(DoesNotFit, match=r"'t3': .*tpu.Conv takes \d+ bytes a lane, chip e8 has 32768; choose a chip"):
        divide(builder.finish(builder.conv(x, 8, 299)), CHIP)
