"""Sums, products and the like on the way to a node's result, written one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerType, Signedness, f32
from xdsl.ir import Attribute

from compiler.dialects.fields import integer, ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.reader import Reader, real

SI64 = IntegerType(64, Signedness.SIGNED)


@dataclass
class Arithmetic:
    """Appends ops for `node`; a tensor is known by its name. Numbers count up, so that no two names are alike."""

    reader: Reader
    node: onnx.NodeProto
    element: Attribute = f32
    numbers: count[int] = field(default_factory=count)

    def op(
        self, kind: type[top.TopOp], *operands: str, element: Attribute | None = None, **attributes: Attribute
    ) -> str:
        """The result of any op."""
        role = f"{kind.name.removeprefix('top.')}{next(self.numbers)}"
        return self.reader.step(self.node, role, kind, operands, attributes, element or self.element)

    def constant(self, values: NDArray[Any]) -> str:
        """A constant of the network."""
        name = f"{self.node.output[0]}_{self.node.op_type}_constant{next(self.numbers)}"
        self.reader.network.weights[name] = values
        return name

    def add(self, a: str, b: str | float) -> str:
        """`a + b`"""
        return self._two(top.AddOp, top.AddConstOp, a, b)

    def mul(self, a: str, b: str | float) -> str:
        """`a · b`"""
        return self._two(top.MulOp, top.MulConstOp, a, b)

    def least(self, a: str, b: str | float) -> str:
        """The smaller of two."""
        return self._two(top.MinOp, top.MinConstOp, a, b)

    def most(self, a: str, b: str | float) -> str:
        """The larger of two."""
        return self._two(top.MaxOp, top.MaxConstOp, a, b)

    def sub(self, a: str, b: str) -> str:
        """`a - b`"""
        return self.op(top.SubOp, a, b)

    def less_from(self, number: float, a: str) -> str:
        """`number - a`"""
        return self.add(self.mul(a, -1.0), number)

    def clip(self, a: str, low: float, high: float) -> str:
        """`a` brought between two numbers."""
        return self.op(top.ClipOp, a, min=real(low), max=real(high))

    def total(self, terms: Sequence[str]) -> str:
        """The sum of all, from the first on."""
        made, *rest = terms
        for term in rest:
            made = self.add(made, term)
        return made

    def view(self, a: str, *dims: int, element: Attribute | None = None) -> str:
        """The same values under other extents."""
        return self.op(top.ReshapeOp, a, shape=ints(*dims), element=element)

    def turn(self, a: str, *order: int) -> str:
        """The axes in another order."""
        return self.op(top.PermuteOp, a, order=ints(*order))

    def cut(self, a: str, axis: int, start: int, length: int) -> str:
        """Some indices of one axis."""
        return self.op(top.SliceOp, a, offset=ints(start), ends=ints(start + length), steps=ints(1), axes=ints(axis))

    def join(self, parts: Sequence[str], axis: int) -> str:
        """Parts end to end on one axis."""
        return parts[0] if len(parts) == 1 else self.op(top.ConcatOp, *parts, axis=top.axis_attribute(axis))

    def whole(self, a: str) -> str:
        """Whole numbers as indices."""
        return self.op(top.CastOp, a, element=SI64)

    def rows(self, table: str, index: str) -> str:
        """Of each table (n, rows, …) the rows that the index (n, p, 1) of whole numbers names: (n, p, …)."""
        return self.op(top.GatherNDOp, table, self.whole(index), batch_dims=integer(1))

    def _two(self, kind: type[top.TopOp], with_number: type[top.TopOp], a: str, b: str | float) -> str:
        if isinstance(b, str):
            return self.op(kind, a, b)
        return self.op(with_number, a, const_val=real(b))


def as_f32(values: Any) -> NDArray[np.float32]:
    """Numbers as a constant holds them."""
    return np.asarray(values, np.float32)
