"""A table between two products whose channels differ much in range: few scales, a table for each pair of them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from compiler.codegen.assemble import assemble
from compiler.dialects.fields import integer, ints
from compiler.dialects.quant import UniformType
from compiler.dialects.top import ops as top
from compiler.dialects.tpu.elementwise import LutsOp
from compiler.interpreter.results import results
from compiler.ir.network import Array, Network, tensor
from compiler.lowering.walk import lower
from compiler.quantization.around_tables import around_tables, parted
from compiler.quantization.balance import Balance
from compiler.quantization.channels import Channels
from compiler.schedule.addresses import assign
from compiler.schedule.divide import divide
from simulator.chip import CHIPS
from simulator.runtime import PyRuntime
from tests.compiler.lowering.networks import Builder, calibrate, reference

ROWS, WIDTH, INNER = 70, 16, 48
WINDOW = {"kernel_shape": ints(3, 3), "pads": ints(1, 1, 1, 1)}
PICTURE = {"x": np.random.default_rng(1).normal(0, 1, (1, WIDTH, 9, 11)).astype(np.float32)}
FED = {"x": np.random.default_rng(1).normal(0, 1, (1, ROWS, WIDTH)).astype(np.float32)}


def network(rows: int = ROWS) -> Network:
    """A feed-forward block of an encoder; three columns of what is inside reach ten times as far as the others."""
    rng, b = np.random.default_rng(2), Builder()
    gain = np.where(np.arange(INNER) % 16 == 5, 10.0, 1.0)
    inner = rng.normal(0, WIDTH**-0.5, (WIDTH, INNER)) * gain
    x = b.op(top.MatMulOp, b.input("x", 1, rows, WIDTH), b.weight(inner), b.weight(rng.normal(0, 0.1, INNER)))
    x = b.op(top.GELUOp, x)
    outer = rng.normal(0, INNER**-0.5, (INNER, WIDTH)) / gain[:, None]
    return b.network(b.op(top.MatMulOp, x, b.weight(outer), b.none()))


def convolved() -> Network:
    """The same between convolutions, the first of each channel by itself, the second behind a border of padding."""
    rng, b = np.random.default_rng(3), Builder()
    gain = np.where(np.arange(WIDTH) % 8 == 5, 10.0, 1.0)[:, None, None, None]
    inner, bias = rng.normal(0, 0.3, (WIDTH, 1, 3, 3)) * gain, b.weight(rng.normal(0, 0.1, WIDTH))
    x = b.op(top.ConvOp, b.input("x", *PICTURE["x"].shape), b.weight(inner), bias, group=integer(WIDTH), **WINDOW)
    outer = rng.normal(0, 0.1, (8, WIDTH, 3, 3)) / gain[:, 0]
    return b.network(b.op(top.ConvOp, b.op(top.SiLUOp, x), b.weight(outer), b.none(), **WINDOW))


@cache
def seen(rows: int = ROWS) -> dict[str, Array]:
    return reference(network(rows), {"x": FED["x"][:, :rows]})


def balanced(made: Network, tensors: dict[str, Array], along: int = 2) -> dict[str, Balance]:
    found = {(name, along): Channels.empty(tensors[name].shape[along]) for name in ("t0", "t1")}
    for (name, axis), channels in found.items():
        channels.add(tensors[name], axis)
    return around_tables(made, found)


def lowered(rows: int = ROWS, by_column: bool = True) -> Network:
    made = network(rows)
    calibrate(made, seen(rows), {})
    lower(made, "int8", balance=balanced(made, seen(rows)) if by_column else {})
    return made


def error(made: Network, rows: int = ROWS) -> float:
    """Of the result, in dB below it."""
    expected = seen(rows)["t2"]
    wrong = results(made, {"x": FED["x"][:, :rows]}).real("t2") - expected
    return float(10 * np.log10((wrong**2).sum() / (expected**2).sum()))


def test_columns_alike_share_a_scale_and_the_result_is_finer() -> None:
    made = lowered()
    (op,) = (op for op in made.ops if isinstance(op, LutsOp))
    for value in (op.input, op.output):
        kind = tensor(value).element_type
        assert isinstance(kind, UniformType)
        assert kind.is_per_axis
        assert 1 < len({scale.data for scale in kind.scales}) <= 4
        assert len({zero.data for zero in kind.zero_points}) == 1
    assert error(made) < error(lowered(by_column=False)) - 5


@pytest.mark.parametrize("chip", ["x64", "e8"])
@pytest.mark.parametrize("rows", [ROWS, 5])
def test_the_chip_has_the_interpreters_bits(rows: int, chip: str) -> None:
    """With rows in the lanes, and with columns in them."""
    made, fed = lowered(rows), {"x": FED["x"][:, :rows]}
    expected = results(made, fed)
    divide(made, CHIPS[chip])
    assign(made)
    dumped = PyRuntime(assemble(made, CHIPS[chip])).dump(fed)
    for name in ("t0", "t1", "t2"):
        assert dumped[name].tobytes() == expected.arrays[name].tobytes()


@pytest.mark.parametrize("chip", ["x64", "e8"])
def test_between_convolutions_the_results_are_finer_and_the_chips_bits_the_same(chip: str) -> None:
    tensors, errors = reference(convolved(), PICTURE), list[float]()
    for along in ([1], []):
        made = convolved()
        calibrate(made, tensors, {})
        lower(made, "int8", balance={name: each for i in along for name, each in balanced(made, tensors, i).items()})
        expected = results(made, PICTURE)
        errors.append(float(np.square(expected.real("t2") - tensors["t2"]).sum()))
        divide(made, CHIPS[chip])
        assign(made)
        dumped = PyRuntime(assemble(made, CHIPS[chip])).dump(PICTURE)
        for name in ("t0", "t1", "t2"):
            assert dumped[name].tobytes() == expected.arrays[name].tobytes()
    assert errors[0] < errors[1] / 4


def test_a_table_that_something_else_reads_keeps_one_scale() -> None:
    made = network()
    block = made.main.body.block
    assert block.last_op
    gelu = next(op for op in made.ops if isinstance(op, top.GELUOp))
    block.last_op.operands = [*block.last_op.operands, gelu.output]
    calibrate(made, seen(), {})
    assert balanced(made, seen()) == {}


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_channels_are_parted_where_that_costs_least(count: int) -> None:
    """Against all ways of parting a few."""
    rng = np.random.default_rng(count)
    steps, weights = rng.lognormal(0, 1, 9), rng.uniform(0.5, 2, 9)
    made = parted(steps, weights, count)
    assert (made >= steps).all()
    assert len(set(made)) <= count
    levels = np.sort(steps)

    def cost(chosen: tuple[int, ...]) -> float:
        held = np.array([*levels[list(chosen)], levels[-1]])
        return float((weights * held[np.searchsorted(held, steps)] ** 2).sum())

    least = min(cost(tuple(c)) for c in _subsets(len(levels) - 1, count - 1))
    assert (weights * made**2).sum() == pytest.approx(least)


def _subsets(extent: int, most: int) -> list[list[int]]:
    """Rising indices, so many or fewer."""
    found = [list[int]()]
    for i in range(extent):
        found += [[*each, i] for each in found if len(each) < most]
    return found
