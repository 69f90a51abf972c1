"""`fuse-gelu`: the pieces that exporters cut GELU into, by `erf` or by `tanh`, become one op again."""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose, pi, sqrt
from typing import ClassVar

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from compiler.dialects.top import ops as top
from compiler.ir.network import Network
from compiler.passes.network_pass import NetworkPass, apply, replace

CLOSE = 1e-4
"""Relative: exporters round the constants, some to few digits."""


@dataclass(frozen=True)
class Product:
    """A number times some values."""

    number: float
    values: tuple[SSAValue, ...]

    def is_close(self, number: float, *values: SSAValue) -> bool:
        """Whether it is this number times these values, in any order."""
        same = len(values) == len(self.values) and all(self.values.count(v) == values.count(v) for v in values)
        return same and isclose(self.number, number, rel_tol=CLOSE)


def _product(value: SSAValue) -> Product:
    """A value as a product of all that is multiplied in it."""
    match value.owner:
        case top.MulConstOp() as op if not op.do_relu:
            inner = _product(op.input)
            return Product(inner.number * op.constant, inner.values)
        case top.DivConstOp() as op if not op.do_relu and not op.is_reverse and op.constant:
            inner = _product(op.input)
            return Product(inner.number / op.constant, inner.values)
        case top.MulOp() as op if not op.do_relu:
            parts = [_product(part) for part in op.inputs]
            number = 1.0
            for part in parts:
                number *= part.number
            return Product(number, tuple(v for part in parts for v in part.values))
        case top.PowOp() as op if op.exponent.value.data in (2.0, 3.0):
            return Product(1.0, (op.input,) * int(op.exponent.value.data))
        case _:
            return Product(1.0, (value,))


def _gated(gate: SSAValue) -> tuple[str, SSAValue] | None:
    """`approx_mode` and x, where a value is 1 plus the `erf` or `tanh` of GELU."""
    match gate.owner:
        case top.AddConstOp() as op if op.constant == 1.0 and not op.do_relu:
            inner = op.input.owner
        case _:
            return None
    match inner:
        case top.ErfOp():
            scaled = _product(inner.input)
            found = len(scaled.values) == 1 and scaled.is_close(1 / sqrt(2.0), *scaled.values)
            return ("normal", scaled.values[0]) if found else None
        case top.TanhOp():
            return _cubic(_product(inner.input))
        case _:
            return None


def _cubic(argument: Product) -> tuple[str, SSAValue] | None:
    """The mode and x, where the argument of `tanh` is `√(2/π) · (x + 0.044715 · x³)`."""
    if len(argument.values) != 1 or not isclose(argument.number, sqrt(2.0 / pi), rel_tol=CLOSE):
        return None
    match argument.values[0].owner:
        case top.AddOp() as op if len(op.inputs) == 2 and not op.do_relu:
            for x, cube in (op.inputs, reversed(op.inputs)):
                if _product(cube).is_close(0.044715, x, x, x):
                    return "tanh", x
        case _:
            pass
    return None


class FuseGelu(RewritePattern):
    """`x · ½ · gate`, multiplied in any order."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.MulOp | top.MulConstOp | top.DivConstOp, rewriter: PatternRewriter) -> None:
        whole = _product(op.output)
        if len(whole.values) != 2 or not isclose(whole.number, 0.5, rel_tol=CLOSE):
            return
        for x, gate in (whole.values, whole.values[::-1]):
            if (found := _gated(gate)) and found[1] == x:
                mode = {"approx_mode": StringAttr(found[0])}
                made = top.GELUOp(operands=[x], result_types=[op.output.type], attributes=mode)
                replace(rewriter, op, made)
                return


@dataclass(frozen=True)
class FuseGeluPass(NetworkPass):
    """Numbers must be attributes already (`constant-operands`)."""

    name: ClassVar[str] = "fuse-gelu"

    def rewrite(self, network: Network) -> None:
        apply(network, FuseGelu())
