"""Products of activations and normalisations, a small network for each lowering rule (see `cases`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import FALSE, TRUE, integer, ints
from compiler.dialects.top import ops as top
from compiler.ir.network import Shape
from tests.compiler.lowering.networks import Builder

Case = Callable[[Builder, np.random.Generator], SSAValue]


def product(left: Shape, right: Shape, turned: bool = False, relu: bool = False) -> Case:
    """Of a signed and an unsigned input."""

    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        flags = {"right_transpose": TRUE if turned else FALSE, "do_relu": TRUE if relu else FALSE}
        return b.op(top.MatMulOp, b.input("x", *left), b.input("u", *right), b.none(), **flags)

    return make


def by_constant(constant: Shape, other: Shape, left: bool) -> Case:
    """A batch of constant matrices on one side; 127 is the largest, so that int8 holds them exactly."""

    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        values = rng.integers(-127, 128, constant)
        values.reshape(-1)[0] = 127
        pair = [b.weight(values * 2.0**-8), b.input("x", *other)]
        return b.op(top.MatMulOp, *(pair if left else reversed(pair)), b.none())

    return make


def with_bias(b: Builder, rng: np.random.Generator) -> SSAValue:
    bias = b.weight(rng.normal(0, 1, 3))
    return b.op(top.MatMulOp, b.input("x", 2, 4, 5), b.input("u", 5, 3), bias, do_relu=TRUE)


def norm(kind: type[top.TopOp], dims: Shape, *factors: Shape, **attributes: Attribute) -> Case:
    """A normalisation by constant factors; absent ones are not told."""

    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        given = [b.weight(rng.uniform(0.5, 2, extents)) for extents in factors]
        slots = 1 if kind is top.RMSNormOp else 0 if kind is top.LRNOp else 2
        return b.op(kind, b.input("x", *dims), *given, *(b.none() for _ in range(slots - len(given))), **attributes)

    return make


def fed_factors(b: Builder, rng: np.random.Generator) -> SSAValue:
    return b.op(top.LayerNormOp, b.input("x", 3, 4, 5), b.input("u", 4, 5), b.none(), axis=top.axis_attribute(1))


def product_of_all(b: Builder, rng: np.random.Generator) -> SSAValue:
    return b.op(top.ReduceOp, b.input("x", 2, 3, 4), axes=ints(0, 2), mode=StringAttr("ReduceProd"))


PRODUCTS: Mapping[str, Case] = {
    "product": product((4, 6), (6, 3)), "product turned": product((2, 4, 6), (2, 3, 6), turned=True, relu=True),
    "product of batches": product((2, 3, 4, 5), (2, 3, 5, 6)), "product shared": product((2, 3, 4, 5), (5, 6)),
    "product by one of all": product((1, 4, 5), (3, 5, 6)), "product of groups": product((2, 2, 3, 4), (2, 1, 4, 5)),
    "product crossed": product((2, 1, 3, 4), (1, 3, 4, 5)),
    "product of a row": product((2, 1, 4), (2, 7, 4), turned=True),
    "product crossed turned": product((2, 1, 3, 4), (1, 3, 5, 4), turned=True), "product with bias": with_bias,
    "product by weights": by_constant((3, 4, 5), (3, 2, 4), left=False),
    "product of weights": by_constant((2, 4), (3, 4, 5), left=True),
    "layer norm": norm(top.LayerNormOp, (2, 3, 8), (8,), (8,)), "layer norm alone": norm(top.LayerNormOp, (4, 6)),
    "layer norm fed": fed_factors, "rms norm": norm(top.RMSNormOp, (2, 3, 8), (8,)),
    "group norm": norm(top.GroupNormOp, (2, 6, 3, 2), (6,), (6,), num_groups=integer(3)),
    "instance norm": norm(top.GroupNormOp, (2, 6, 5), (6,), num_groups=integer(6)),
    "group norm alone": norm(top.GroupNormOp, (1, 4, 5), num_groups=integer(2)),
    "lrn": norm(top.LRNOp, (2, 7, 3, 2), size=integer(3)), "lrn even": norm(top.LRNOp, (1, 4, 5), size=integer(4)),
    "reduce product": product_of_all,
}  # fmt: skip
"""By name."""

FLOAT_IN_INT8 = {name for name in PRODUCTS if "norm" in name or "lrn" in name} | {"product with bias", "reduce product"}
"""The cases that an int8 network computes in f32."""
