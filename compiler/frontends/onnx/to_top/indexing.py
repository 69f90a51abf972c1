"""ONNX ops that choose by position: triangles, one-hot vectors, a cache that is written to."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerType, Signedness, StringAttr, i1

from compiler.dialects.fields import integer, ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.compose import composes
from compiler.frontends.onnx.to_top.reader import Reader, Unsupported, flag
from compiler.ir.storage import dtype_of

INDEX = IntegerType(64, Signedness.SIGNED)
"""Elements of indices."""


def known(reader: Reader, node: onnx.NodeProto, role: str, value: NDArray[Any]) -> str:
    """A constant that an op's meaning brings along; its name."""
    name = f"{node.output[0]}_{node.op_type}_{role}"
    reader.network.weights[name] = value
    return name


@composes("Trilu")
def trilu(reader: Reader, node: onnx.NodeProto) -> None:
    """The elements on one side of a diagonal, zeros on the other."""
    x, offset = node.input[0], reader.constant(node, 1)
    rows, columns = reader.shape(x)[-2:]
    k = 0 if offset is None else int(offset.item())
    upper = bool(reader.attributes(node)["upper"])
    kept = np.triu(np.ones((rows, columns), bool), k) if upper else np.tril(np.ones((rows, columns), bool), k)
    zero = known(reader, node, "zero", np.zeros((), dtype_of(reader.element(x))))
    reader.add(node, top.WhereOp, [known(reader, node, "kept", kept), x, zero], {})


@composes("OneHot")
def one_hot(reader: Reader, node: onnx.NodeProto) -> None:
    """Whether an index is a position of the new axis, counted from its start or its end, says which value is there."""
    indices, _, values = node.input
    depth, rank = reader.constant(node, 1), len(reader.shape(indices))
    if depth is None:
        raise Unsupported("it has no depth")
    size, axis = int(depth.item()), int(reader.attributes(node)["axis"]) % (rank + 1)
    element = reader.element(indices)
    if dtype_of(element).kind not in "iu":
        indices, element = reader.step(node, "whole", top.CastOp, [indices], element=INDEX), INDEX
    indices = reader.step(node, "column", top.UnsqueezeOp, [indices], {"axes": ints(axis)}, element)
    places = np.arange(size).reshape(-1, *(1,) * (rank - axis)).astype(kind := dtype_of(element))
    hot = _equal(reader, node, "hot", indices, places)
    if kind.kind == "i":
        behind = _equal(reader, node, "behind", indices, places - kind.type(size))
        hot = reader.step(node, "either", top.LogicalOrOp, [hot, behind], element=i1)
    off, on = (_one(reader, node, role, values, i) for i, role in enumerate(("off", "on")))
    reader.add(node, top.WhereOp, [hot, on, off], {})


def _equal(reader: Reader, node: onnx.NodeProto, role: str, indices: str, places: NDArray[Any]) -> str:
    operands = [indices, known(reader, node, f"{role}_places", places)]
    return reader.step(node, role, top.CompareOp, operands, {"mode": StringAttr("Equal")}, i1)


def _one(reader: Reader, node: onnx.NodeProto, role: str, values: str, index: int) -> str:
    """One of two values."""
    if values in reader.network.weights:
        return known(reader, node, role, reader.network.weights[values][index : index + 1])
    bounds = {"offset": ints(index), "ends": ints(index + 1), "steps": ints(1)}
    return reader.step(node, role, top.SliceOp, [values], bounds)


@composes("TensorScatter")
def tensor_scatter(reader: Reader, node: onnx.NodeProto) -> None:
    """The update's rows one after another, each batch's from an index of its own; past the end, from the start."""
    past, update, *starts = node.input
    given, dims, rank = reader.attributes(node), reader.shape(update), len(reader.shape(update))
    axis = int(given["axis"]) % rank
    rows = np.arange(dims[axis]).reshape(-1, *(1,) * (rank - axis - 1))
    index = known(reader, node, "rows", rows)
    if any(starts):
        axes = {"axes": ints(*range(1, rank))}
        start = reader.step(node, "start", top.UnsqueezeOp, starts, axes, INDEX)
        index = reader.step(node, "places", top.AddOp, [start, index], element=INDEX)
        if given["mode"] == "circular":
            length = known(reader, node, "length", np.array(reader.shape(past)[axis]))
            index = reader.step(node, "round", top.ModOp, [index, length], {"fmod": flag(False)}, INDEX)
    index = reader.step(node, "index", top.ExpandOp, [index], {"shape": ints(*dims)}, INDEX)
    reader.add(node, top.ScatterElementsOp, [past, index, update], {"axis": integer(axis)})
