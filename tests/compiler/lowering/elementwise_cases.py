"""Elementwise ops of floats that are made of several steps, one small network each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from xdsl.dialects.builtin import FloatAttr, f64
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.top import ops as top
from tests.compiler.lowering.networks import Builder

Case = Callable[[Builder, np.random.Generator], SSAValue]


def unary(kind: type[top.Unary], name: str = "x", **attributes: float) -> Case:
    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        given: dict[str, Attribute] = {key: FloatAttr(value, f64) for key, value in attributes.items()}
        return b.op(kind, b.input(name, 2, 3, 4, 5), **given)

    return make


def broadcast(kind: type[top.Nary], *other: int, constant: bool = False) -> Case:
    """Five axes, beside fewer or ones."""

    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        x = b.input("x", 2, 3, 2, 4, 3)
        grid = rng.integers(-127, 128, other)
        # The largest there can be, so that int8 holds all of them.
        grid.reshape(-1)[0] = 127
        y = b.weight(grid / 32) if constant else b.input("u", *other)
        return b.op(kind, [x, y])

    return make


ELEMENTWISE: Mapping[str, Case] = {
    "cosh": unary(top.CoshOp), "sinh": unary(top.SinhOp), "arctan": unary(top.ArctanOp),
    "arcsinh": unary(top.ArcsinhOp), "sign": unary(top.SignOp), "shrink": unary(top.ShrinkOp, bias=0.25, lambd=1.0),
    "thresholded relu": unary(top.ThresholdedReluOp, alpha=0.75),
    "add over five axes": broadcast(top.AddOp, 1, 3, 1, 1, 1),
    "mul over five axes": broadcast(top.MulOp, 2, 1, 2, 1, 3),
    "sub a constant over five axes": broadcast(top.SubOp, 3, 1, 4, 1, constant=True),
}  # fmt: skip
