"""The cells of recurrent ops: what one step makes of its input and of the states before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

import numpy as np

from compiler.frontends.onnx.graph.emitter import Emitter

ALPHA: Mapping[str, float] = {
    "affine": 1.0, "leakyrelu": 0.01, "thresholdedrelu": 1.0, "scaledtanh": 1.0, "hardsigmoid": 0.2, "elu": 1.0,
}  # fmt: skip
BETA: Mapping[str, float] = {"affine": 0.0, "scaledtanh": 1.0, "hardsigmoid": 0.5}
"""Activations that take a number, and what it is where the node has none."""
BY_NAME: Mapping[str, str] = {
    "relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softsign": "Softsign", "softplus": "Softplus",
    "leakyrelu": "LeakyRelu", "thresholdedrelu": "ThresholdedRelu", "elu": "Elu", "hardsigmoid": "HardSigmoid",
}  # fmt: skip


@dataclass(frozen=True)
class Activation:
    """One of the functions that ONNX names, and its numbers."""

    name: str
    alpha: float
    beta: float

    def of(self, out: Emitter, x: str) -> str:
        """Append it; the name of what it makes."""
        match self.name:
            case "affine":
                return self._scaled(out, x, self.alpha, self.beta)
            case "scaledtanh":
                inner = out.op("Tanh", [self._scaled(out, x, self.beta, 0.0)], "tanh")
                return self._scaled(out, inner, self.alpha, 0.0)
            case _:
                numbers = {"alpha": self.alpha} if self.name in ALPHA else {}
                numbers |= {"beta": self.beta} if self.name in BETA else {}
                return out.op(BY_NAME[self.name], [x], self.name, **numbers)

    def _scaled(self, out: Emitter, x: str, by: float, plus: float) -> str:
        made = out.op("Mul", [x, out.constant(by, "factor", out.kind)], "scaled")
        return out.op("Add", [made, out.constant(plus, "offset", out.kind)], "shifted") if plus else made


def activations(given: Mapping[str, Any], defaults: Sequence[str], direction: int) -> list[Activation]:
    """The functions of one direction; `activation_alpha` and `_beta` have a number for each that takes one."""
    names = [name.decode().lower() for name in given.get("activations", [])]
    names = names or [name.lower() for name in defaults] * (direction + 1)
    alphas, betas = iter(given.get("activation_alpha", [])), iter(given.get("activation_beta", []))
    made = [
        Activation(
            name,
            next(alphas, ALPHA[name]) if name in ALPHA else 0.0,
            next(betas, BETA[name]) if name in BETA else 0.0,
        )
        for name in names
    ]
    return made[direction * len(defaults) :][: len(defaults)]


@dataclass(frozen=True)
class Weights:
    """
    One direction's: `w` (i, g·h), `r` (h, g·h), biases `wb` and `rb` (g·h) or none, peepholes `p` (states' gates, h).

    Each a tensor's name.
    """

    hidden: int
    w: str
    r: str
    wb: str
    rb: str
    p: list[str]

    @staticmethod
    def of(out: Emitter, kind: type[Cell], d: int, hidden: int, w: str, r: str, bias: str, peep: str = "") -> Weights:
        """Cut from the node's operands, which have an axis for directions in front."""

        def own(name: str, role: str) -> str:
            return out.squeezed(out.cut(name, 0, d, d + 1, f"{role}_slice"), 0, role)

        left, right = (out.op("Transpose", [own(n, role)], f"{role}t", perm=[1, 0]) for n, role in ((w, "w"), (r, "r")))
        wide, wb, rb, p = kind.gates * hidden, "", "", list[str]()
        if bias:
            both = own(bias, "b")
            wb, rb = out.cut(both, 0, 0, wide, "wb"), out.cut(both, 0, wide, 2 * wide, "rb")
        if peep:
            rows = own(peep, "p")
            p = [out.cut(rows, 0, i * hidden, (i + 1) * hidden, f"p{i}") for i in range(3)]
        return Weights(hidden, left, right, wb, rb, p)


class Cell:
    """A cell of one direction, whose steps are appended to `out`."""

    gates: ClassVar[int]
    states: ClassVar[int] = 1
    functions: ClassVar[tuple[str, ...]]

    def __init__(self, out: Emitter, weights: Weights, given: Mapping[str, Any], direction: int) -> None:
        self.out, self.weights, self.given = out, weights, given
        self.activations = activations(given, self.functions, direction)
        self.limit = float(given.get("clip", inf)) or inf

    def projected(self, x: str) -> str:
        """The inputs of all steps (t·n, i) by the weights, and both biases: (t·n, g·h)."""
        product = self.out.op("MatMul", [x, self.weights.w], "projected")
        if not self.weights.wb:
            return product
        return self.out.op("Add", [product, self.bias()], "projected_b")

    def bias(self) -> str:
        """What is added to the projected inputs."""
        return self.out.op("Add", [self.weights.wb, self.weights.rb], "bias")

    def step(self, x: str, states: Sequence[str]) -> list[str]:
        """The states (n, h), hidden first, after a step with projected input `x` (n, g·h); "" is a state of zeros."""
        raise NotImplementedError

    def gate(self, wide: str, first: int, count: int, role: str) -> str:
        """Some gates' columns of (n, g·h)."""
        hidden = self.weights.hidden
        return self.out.cut(wide, 1, first * hidden, (first + count) * hidden, role)

    def plus_product(self, x: str, state: str, r: str) -> str:
        """`x + state · r`"""
        return self.out.op("Add", [x, self.out.op("MatMul", [state, r], "product")], "sum") if state else x

    def activated(self, x: str, function: int) -> str:
        """An activation of what the clip leaves."""
        if self.limit < inf:
            x = self.out.clipped(x, -self.limit, self.limit, "clipped")
        return self.activations[function].of(self.out, x)

    def weighted(self, gate: str, a: str, b: str) -> str:
        """`(1 - gate) · a + gate · b`, b perhaps nothing."""
        out = self.out
        rest = out.op("Sub", [out.constant(1, "one", out.kind), gate], "rest")
        share = out.op("Mul", [rest, a], "share")
        return out.op("Add", [share, out.op("Mul", [gate, b], "other")], "mixed") if b else share


class RnnCell(Cell):
    """`h' = f(x·W + h·R + b)`"""

    gates, functions = 1, ("Tanh",)

    def step(self, x: str, states: Sequence[str]) -> list[str]:
        return [self.activated(self.plus_product(x, states[0], self.weights.r), 0)]


class GruCell(Cell):
    """
    Gates z, r, h: `h' = (1 - z)·g(…) + z·h`.

    The reset gate multiplies the state before the product with R, or after it with `linear_before_reset`.
    """

    gates, functions = 3, ("Sigmoid", "Tanh")

    def __init__(self, out: Emitter, weights: Weights, given: Mapping[str, Any], direction: int) -> None:
        super().__init__(out, weights, given, direction)
        self.after = bool(given.get("linear_before_reset", 0))
        self.r_zr = self.gate(weights.r, 0, 2, "r_zr")
        self.r_h = self.gate(weights.r, 2, 1, "r_h")
        wide = 2 * weights.hidden
        self.rb_zr = out.cut(weights.rb, 0, 0, wide, "rb_zr") if weights.rb else ""
        self.rb_h = out.cut(weights.rb, 0, wide, wide + weights.hidden, "rb_h") if weights.rb else ""

    def bias(self) -> str:
        if not self.after:
            return super().bias()
        nothing = self.out.constant(np.zeros(self.weights.hidden), "nothing", self.out.kind)
        return self.out.op("Add", [self.weights.wb, self.out.op("Concat", [self.rb_zr, nothing], "rb", axis=0)], "bias")

    def step(self, x: str, states: Sequence[str]) -> list[str]:
        (h,), out = states, self.out
        both = self.activated(self.plus_product(self.gate(x, 0, 2, "x_zr"), h, self.r_zr), 0)
        z, r = self.gate(both, 0, 1, "z"), self.gate(both, 1, 1, "r")
        x_h = self.gate(x, 2, 1, "x_h")
        if not self.after:
            fresh = self.plus_product(x_h, out.op("Mul", [r, h], "reset") if h else "", self.r_h)
        else:
            term = out.op("MatMul", [h, self.r_h], "product") if h else ""
            if self.rb_h:
                term = out.op("Add", [term, self.rb_h], "linear") if term else self.rb_h
            fresh = out.op("Add", [x_h, out.op("Mul", [r, term], "reset")], "sum") if term else x_h
        return [self.weighted(z, self.activated(fresh, 1), h)]


class LstmCell(Cell):
    """Gates i, o, f, c: `c' = f·c + i·g(…)`, `h' = o·h(c')`; peepholes look at the cell's state."""

    gates, states, functions = 4, 2, ("Sigmoid", "Tanh", "Tanh")

    def step(self, x: str, states: Sequence[str]) -> list[str]:
        (h, c), out = states, self.out
        wide = self.plus_product(x, h, self.weights.r)
        i, o, f = self._gates(wide, c)
        if self.given.get("input_forget", 0):
            f = out.op("Sub", [out.constant(1, "one", out.kind), i], "coupled")
        new = out.op("Mul", [i, self.activated(self.gate(wide, 3, 1, "x_c"), 1)], "new")
        c = out.op("Add", [out.op("Mul", [f, c], "kept"), new], "cell") if c else new
        if self.weights.p:
            o = self._seen(self.gate(wide, 1, 1, "x_o"), c, 1)
        return [out.op("Mul", [o, self.activations[2].of(out, c)], "hidden"), c]

    def _gates(self, wide: str, c: str) -> list[str]:
        """i, o and f; o is left out with peepholes, since it looks at the state that isn't there yet."""
        if self.weights.p:
            return [self._seen(self.gate(wide, 0, 1, "x_i"), c, 0), "", self._seen(self.gate(wide, 2, 1, "x_f"), c, 2)]
        all_three = self.activated(self.gate(wide, 0, 3, "x_iof"), 0)
        return [self.gate(all_three, n, 1, role) for n, role in enumerate("iof")]

    def _seen(self, x: str, c: str, peephole: int) -> str:
        if c:
            x = self.out.op("Add", [x, self.out.op("Mul", [c, self.weights.p[peephole]], "seen")], "sum")
        return self.activated(x, 0)


CELLS: Mapping[str, type[Cell]] = {"RNN": RnnCell, "GRU": GruCell, "LSTM": LstmCell}
