"""Sequences of tensors, and tensors that may be absent, where the graph alone says which there are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from onnx import helper

from compiler.frontends.onnx.graph.control import NotStatic, Rewrite, cut, label, squeezed, unsqueezed
from compiler.frontends.onnx.graph.fold import Known


def construct(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    known.sequences[node.output[0]] = list(node.input)
    yield from ()


def insert(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    """Before the position, or at the end where there is none."""
    row = list(_row(node.input[0], known))
    row.insert(_place(node, 2, known, len(row)), node.input[1])
    known.sequences[node.output[0]] = row
    yield from ()


def erase(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    """At the position, or the last one where there is none."""
    row = list(_row(node.input[0], known))
    del row[_place(node, 1, known, len(row) - 1)]
    known.sequences[node.output[0]] = row
    yield from ()


def at(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    row = _row(node.input[0], known)
    yield helper.make_node("Identity", [row[_place(node, 1, known, 0)]], node.output, node.name)


def length(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    known.add_constant(node.output[0], np.array(len(_row(node.input[0], known)), np.int64))
    yield from ()


def concat(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    """Along an axis, or along a new one."""
    row, given = list(_row(node.input[0], known)), _attributes(node)
    axis = int(given["axis"])
    if given.get("new_axis"):
        for i, name in enumerate(row):
            row[i] = known.fresh(f"{label(node)}_{i}_row")
            yield unsqueezed(name, axis, row[i], known)
    yield helper.make_node("Concat", row, node.output, node.name, axis=axis)


def split(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    """Into parts of one size, the last one smaller, or of the sizes given; without sizes into lines."""
    given, dims = _attributes(node), known.dims(node.input[0])
    if dims is None:
        raise NotStatic("the extents of what it splits aren't known")
    axis = int(given.get("axis", 0)) % len(dims)
    asked = node.input[1] if len(node.input) > 1 else ""
    if asked and asked not in known.constants:
        raise NotStatic("the sizes of its parts depend on the network's inputs")
    sizes = np.asarray(known.constants[asked] if asked else 1, np.int64)
    if not sizes.ndim:
        sizes = [min(int(sizes), dims[axis] - start) for start in range(0, dims[axis], int(sizes))]
    bounds = np.cumsum([0, *sizes])
    row = list[str]()
    for i, (start, end) in enumerate(pairwise(map(int, bounds))):
        row.append(known.fresh(f"{label(node)}_{i}"))
        flat = not asked and not given.get("keepdims", 1)
        part = known.fresh(f"{row[-1]}_row") if flat else row[-1]
        yield cut(node.input[0], axis, start, end, part, known)
        if flat:
            yield squeezed(part, axis, row[-1], known)
    known.sequences[node.output[0]] = row


def optional(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    """A sequence of one, or of none."""
    if node.input and node.input[0] in known.sequences:
        raise NotStatic("an optional sequence")
    known.sequences[node.output[0]] = list(node.input)
    yield from ()


def has_element(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    given = node.input[0] if node.input else ""
    there = bool(known.sequences[given]) if given in known.sequences else bool(given)
    known.add_constant(node.output[0], np.array(there))
    yield from ()


def get_element(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    """Of a tensor, or of a tensor that may be absent."""
    row = known.sequences.get(node.input[0], [node.input[0]])
    if len(row) != 1:
        raise NotStatic("the element isn't there")
    yield helper.make_node("Identity", row, node.output, node.name)


SEQUENCES: dict[str, Rewrite] = {
    "SequenceConstruct": construct, "SequenceEmpty": construct, "SequenceInsert": insert, "SequenceErase": erase,
    "SequenceAt": at, "SequenceLength": length, "ConcatFromSequence": concat, "SplitToSequence": split,
    "Optional": optional, "OptionalHasElement": has_element, "OptionalGetElement": get_element,
}  # fmt: skip


def _row(name: str, known: Known) -> list[str]:
    if name not in known.sequences:
        raise NotStatic("the network's inputs decide what is in the sequence")
    return known.sequences[name]


def _place(node: onnx.NodeProto, index: int, known: Known, default: int) -> int:
    if len(node.input) <= index or not node.input[index]:
        return default
    if node.input[index] not in known.constants:
        raise NotStatic("the position depends on the network's inputs")
    return int(known.constants[node.input[index]].item())


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}
