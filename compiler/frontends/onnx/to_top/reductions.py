"""Running sums and products, and Hardmax."""

from __future__ import annotations

import numpy as np
import onnx
from xdsl.dialects.builtin import StringAttr

from compiler.dialects.fields import ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.compose import composes
from compiler.frontends.onnx.to_top.reader import Reader, as_held, real

NEUTRAL = {"CumSum": (top.AddOp, 0), "CumProd": (top.MulOp, 1)}
"""By op: what joins two elements, and what changes none."""


@composes("CumSum", "CumProd")
def cumulate(reader: Reader, node: onnx.NodeProto) -> None:
    """
    In ⌈log₂ n⌉ rounds: each joins to every element the one 1, 2, 4 … places before it, by then a run of as many.

    No element takes part in a result it doesn't belong to, so an infinity spoils none.
    """
    given, dims = reader.attributes(node), reader.shape(node.input[0])
    (axis,) = reader.numbers(node, "", 1)
    work = Shifted(reader, node, axis % len(dims), bool(given["reverse"]))
    n, made = dims[axis % len(dims)], node.input[0]
    if given["exclusive"]:
        made = work.by(made, 1, n)
    places = 1
    while places < n:
        made = reader.step(node, f"joined{places}", NEUTRAL[node.op_type][0], [made, work.by(made, places, n)])
        places *= 2
    reader.add(node, top.IdentityOp, [made], {})


class Shifted:
    """A tensor moved along an axis, towards its end or in `reverse` its start, what can't change a result behind it."""

    def __init__(self, reader: Reader, node: onnx.NodeProto, axis: int, reverse: bool) -> None:
        self.reader, self.node, self.axis, self.reverse = reader, node, axis, reverse

    def by(self, name: str, places: int, extent: int) -> str:
        """The tensor of this extent moved by so many places, no more than there are."""
        filling = self._filling(places, f"{name}_before{places}")
        if places == extent:
            return filling
        first, last = (places, extent) if self.reverse else (0, extent - places)
        cut = {"offset": ints(first), "ends": ints(last), "steps": ints(1), "axes": ints(self.axis)}
        kept = self.reader.step(self.node, f"{self._role(name)}kept{places}", top.SliceOp, [name], cut)
        parts = [kept, filling] if self.reverse else [filling, kept]
        axis = {"axis": top.axis_attribute(self.axis)}
        return self.reader.step(self.node, f"{self._role(name)}moved{places}", top.ConcatOp, parts, axis)

    def _role(self, name: str) -> str:
        """Keeps the move of an exclusive sum's operand apart from the first round's."""
        return "own_" if name in self.node.input else ""

    def _filling(self, places: int, name: str) -> str:
        dims = list(self.reader.shape(self.node.input[0]))
        dims[self.axis] = places
        kind = onnx.helper.tensor_dtype_to_np_dtype(self.reader.types[self.node.output[0]].tensor_type.elem_type)
        values = np.full(dims, NEUTRAL[self.node.op_type][1])
        self.reader.network.weights[name] = as_held(values.astype(kind))
        return name


@composes("Hardmax")
def hardmax(reader: Reader, node: onnx.NodeProto) -> None:
    """
    1 at the first of the greatest elements along `axis`, else 0; up to opset 12 all axes from `axis` on are one.

    With t the number of places from an element of those to the end, 0 for others, it is the one of greatest t.
    """
    dims, axis = reader.shape(node.input[0]), reader.attributes(node)["axis"] % len(reader.shape(node.input[0]))
    x, rows = node.input[0], dims
    if reader.opset < 13:
        rows, axis = (int(np.prod(dims[:axis])), int(np.prod(dims[axis:]))), 1
        x = reader.step(node, "rows", top.ReshapeOp, [x], {"shape": ints(*rows)})
    left = f"{node.output[0]}_Hardmax_places"
    places = np.arange(rows[axis], 0, -1, dtype=np.float32)
    reader.network.weights[left] = places.reshape([-1 if i == axis else 1 for i in range(len(rows))])
    equal = _greatest(reader, node, x, axis, "of_values")
    weighed = reader.step(node, "weighed", top.MulOp, [equal, left])
    first = _greatest(reader, node, weighed, axis, "of_places")
    reader.add(node, top.ReshapeOp, [first], {"shape": ints(*dims)})


def _greatest(reader: Reader, node: onnx.NodeProto, x: str, axis: int, role: str) -> str:
    """1 where an element is the greatest along an axis, else 0: `1 - ⌈min(greatest - x, 1)⌉`."""
    asked = {"axes": ints(axis), "mode": StringAttr("ReduceMax")}
    most = reader.step(node, f"{role}_most", top.ReduceOp, [x], asked)
    below = reader.step(node, f"{role}_below", top.SubOp, [most, x])
    unlike = reader.step(node, f"{role}_unlike", top.MinConstOp, [below], {"const_val": real(1.0)})
    whole = reader.step(node, f"{role}_whole", top.CeilOp, [unlike])
    negative = reader.step(node, f"{role}_negative", top.MulConstOp, [whole], {"const_val": real(-1.0)})
    return reader.step(node, f"{role}_equal", top.AddConstOp, [negative], {"const_val": real(1.0)})
