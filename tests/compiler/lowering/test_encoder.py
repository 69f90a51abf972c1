"""A transformer's encoder as PyTorch's exporter writes it, on the chip in every number format."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from compiler import opt
from compiler.codegen.assemble import assemble
from compiler.dialects.top.base import TopOp
from compiler.dialects.top.census import count_ops
from compiler.dialects.top.normalisation import SoftmaxOp
from compiler.dialects.tpu.base import TpuOp, frame_of
from compiler.dialects.tpu.contraction import MatMulOp
from compiler.dialects.tpu.movement import Movement
from compiler.dialects.tpu.product import HeadMatMulOp
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.to_top.read import read
from compiler.interpreter.run import run
from compiler.ir.network import Array, Network, name_of
from compiler.lowering import attention
from compiler.lowering.walk import lower
from compiler.schedule.addresses import assign
from compiler.schedule.divide import divide
from compiler.stages.canonical_mlir import PIPELINE
from simulator.chip import CHIPS
from simulator.runtime import PyRuntime
from tests.compiler.frontends.onnx.graphs import Graph
from tests.compiler.lowering.networks import calibrate

WIDTH, HEADS = 24, 3
FEW, MANY = 11, 70
"""Rows: those of the latter fill the widest chip's lanes."""

LEAST = {"f32": 0.999999, "bf16": 0.9999, "f16": 0.99999, "int8": 0.9995, "int8a": 0.9995}
"""Cosine of the result to that of the float network."""


class Encoder(Graph):
    """One layer, its rows masked by -10000."""

    def __init__(self, rows: int) -> None:
        super().__init__((1, rows, WIDTH))
        self.rows = rows

    def linear(self, x: str, inner: int, outer: int) -> str:
        weights = self.constant(self.rng.normal(0, inner**-0.5, (inner, outer)))
        return self.add("Add", self.add("MatMul", x, weights), self.normal(outer))

    def norm(self, x: str) -> str:
        centred = self.add("Sub", x, self.add("ReduceMean", x, axes=[-1]))
        squares = self.add("Pow", centred, self.constant(np.array(2.0)))
        spread = self.add("Add", self.add("ReduceMean", squares, axes=[-1]), self.constant(np.array(1e-12)))
        normal = self.add("Div", centred, self.add("Sqrt", spread))
        return self.add("Add", self.add("Mul", normal, self.normal(WIDTH)), self.normal(WIDTH))

    def heads(self, x: str, *perm: int) -> str:
        split = self.constant([1, self.rows, HEADS, WIDTH // HEADS])
        return self.add("Transpose", self.add("Reshape", self.linear(x, WIDTH, WIDTH), split), perm=perm)

    def layer(self, x: str, mask: str) -> str:
        q, k, v = self.heads(x, 0, 2, 1, 3), self.heads(x, 0, 2, 3, 1), self.heads(x, 0, 2, 1, 3)
        scores = self.add("Div", self.add("MatMul", q, k), self.constant(np.array((WIDTH / HEADS) ** 0.5)))
        shares = self.add("Softmax", self.add("Add", scores, mask), axis=-1)
        mixed = self.add("Transpose", self.add("MatMul", shares, v), perm=[0, 2, 1, 3])
        rows = self.add("Reshape", mixed, self.constant([1, self.rows, WIDTH]))
        x = self.norm(self.add("Add", self.linear(rows, WIDTH, WIDTH), x))
        inner = self.linear(x, WIDTH, 4 * WIDTH)
        gate = self.add("Erf", self.add("Div", inner, self.constant(np.array(2**0.5))))
        gated = self.add("Mul", inner, self.add("Add", gate, self.constant(np.array(1.0))))
        half = self.add("Mul", gated, self.constant(np.array(0.5)))
        return self.norm(self.add("Add", self.linear(half, 4 * WIDTH, WIDTH), x))


def encoder(rows: int) -> onnx.ModelProto:
    g = Encoder(rows)
    mask = g.constant(np.where(np.arange(rows) < rows - 3, 0.0, -10000.0))
    g.layer(g.norm(g.top), mask)
    return g.model()


def canonical(rows: int = FEW) -> Network:
    network = read(prepare(encoder(rows), {}), "encoder")
    opt.run(network, opt.passes(PIPELINE))
    return network


def test_its_pieces_are_recognised() -> None:
    found = count_ops(canonical())
    assert (found["top.LayerNorm"], found["top.GELU"], found["top.Softmax"], found["top.MatMul"]) == (3, 1, 1, 8)
    assert not {"top.Erf", "top.Pow", "top.Reduce", "top.Sqrt"} & found.keys()


def calibrated(rows: int) -> tuple[Network, dict[str, Array], dict[str, Array]]:
    """The network with the ranges that one sample has, that sample, and what floats make of it."""
    network = canonical(rows)
    (name,) = (name_of(op) for op in network.ops if op.name == "top.Input")
    feeds: dict[str, Array] = {name: np.random.default_rng(2).normal(size=(1, rows, WIDTH)).astype(np.float32)}
    expected = feeds | Reference(network, threads=1).run(feeds)
    calibrate(network, expected, {})
    return network, feeds, expected


@pytest.mark.parametrize("chip", ["x64", "e8"])
@pytest.mark.parametrize(("mode", "rows"), [*((mode, FEW) for mode in LEAST), *((f"int8{a}", MANY) for a in ("", "a"))])
def test_the_chip_has_the_interpreters_bits(mode: str, rows: int, chip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many rows heads are taken two by two."""
    monkeypatch.setattr(attention, "SCORES", 2 * MANY * MANY)
    network, feeds, expected = calibrated(rows)
    lower(network, mode)
    assert not any(op.name == "top.Host" for op in network.ops)
    wanted = dict[str, Array]()
    run(network, feeds, lambda op, made: wanted.__setitem__(name_of(op), made))
    result = name_of(list(network.ops)[-1].operands[0])
    divide(network, CHIPS[chip])
    assign(network)
    runtime = PyRuntime(assemble(network, CHIPS[chip]))
    made = runtime.dump(feeds)
    assert {name for name, array in wanted.items() if array.tobytes() != made[name].tobytes()} == set()
    returned, wished = runtime.run(None, feeds)[0], expected[result]
    cosine = float((returned * wished).sum()) / float(np.linalg.norm(returned) * np.linalg.norm(wished))
    assert cosine > LEAST[mode]


def test_rows_that_fill_the_lanes_stay_there() -> None:
    """No tensor changes lanes between projections, attention, norms; what is gone has a tensor that stands for it."""
    network, _, _ = calibrated(MANY)
    top = {name_of(op) for op in network.ops if isinstance(op, TopOp)}
    lower(network, "int8")
    ops = [op for op in network.ops if isinstance(op, TpuOp)]
    assert {op.name for op in ops if isinstance(op, Movement | MatMulOp)} == set()
    assert all(frame_of(op.output)[1] == MANY for op in ops)
    folded = {name.data for op in ops if op.folds for name in op.folds}
    assert top - folded <= {name_of(op) for op in ops}
    assert len(top & folded) > 9


@pytest.mark.parametrize("kind", ["other reader", "few rows"])
def test_attention_that_is_read_elsewhere_or_fills_no_lanes_stays_apart(kind: str) -> None:
    network, _, _ = calibrated(FEW if kind == "few rows" else MANY)
    softmax = next(op for op in network.ops if isinstance(op, SoftmaxOp))
    if kind == "other reader":
        block = network.main.body.block
        assert block.last_op
        block.last_op.operands = [*block.last_op.operands, softmax.output]
    lower(network, "int8")
    assert not any(isinstance(op, HeadMatMulOp) for op in network.ops)
