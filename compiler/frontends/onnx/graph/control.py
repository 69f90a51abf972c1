"""
If, Loop and Scan whose course is known, as the nodes they come to.

Each is a generator of nodes. Who takes a node tells `known` of it before asking for the next, so that a Loop sees after
each round whether it goes on. What the inputs decide stays a node: NotStatic says why.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from compiler.frontends.onnx.graph.fold import Array, Known
from compiler.frontends.onnx.graph.names import renamed

Rewrite = Callable[[onnx.NodeProto, Known], Iterator[onnx.NodeProto]]

ROUNDS = 4096
"""A loop of more rounds stays a loop."""


class NotStatic(Exception):
    """The network's inputs decide what a node does; the message says by what."""


def choose(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    """The branch of an If that a constant condition takes."""
    taken = "then_branch" if _value(node.input[0], known, "its condition").item() else "else_branch"
    results = yield from inlined(_graph(node, taken), label(node), [], known)
    yield from _returned(results, node)


def unroll(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    """The rounds of a Loop: as many as its trip count, or until its condition is a constant `false`."""
    body, (most, going, *carried) = _graph(node, "body"), (*node.input, "", "")[: max(2, len(node.input))]
    trips = int(_value(most, known, "its trip count").item()) if most else ROUNDS + 1
    if trips > ROUNDS and most and not going:
        raise NotStatic(f"it runs {trips} rounds; up to {ROUNDS} are spelt out")
    made: list[list[str]] = [[] for _ in body.output[1 + len(carried) :]]
    for i in range(trips):
        if going and not _value(going, known, "its condition").item():
            break
        if i == ROUNDS:
            raise NotStatic(f"it runs more than {ROUNDS} rounds")
        tag = f"{label(node)}_{i}"
        round_number = known.constant(np.array(i, np.int64), f"{tag}_round")
        still = going or known.constant(np.array(True), f"{tag}_going")
        results = yield from inlined(body, tag, [round_number, still, *carried], known)
        going, carried = results[0], results[1 : 1 + len(carried)]
        for row, name in zip(made, results[1 + len(carried) :], strict=True):
            row.append(name)
    joined = list[str]()
    for row, value in zip(made, body.output[1 + len(carried) :], strict=True):
        joined.append((yield from _stack(row, value, 0, label(node), known)))
    yield from _returned([*carried, *joined], node)


def scan(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    """The steps of a Scan along axes whose extent is known. Raises NotStatic for one of opset 8, which has a batch."""
    if known.opset < 9:
        raise NotStatic("a Scan of opset 8; export it with a newer one")
    given: dict[str, Any] = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    body, states = given["body"], len(node.input) - int(given["num_scan_inputs"])
    carried, lanes = list(node.input[:states]), _lanes(node.input[states:], given, known)
    outputs = body.output[states:]
    made: list[list[str]] = [[] for _ in outputs]
    for i in range(min(lane.extent for lane in lanes)):
        tag, parts = f"{label(node)}_{i}", list[str]()
        for lane in lanes:
            at = lane.extent - 1 - i if lane.backwards else i
            parts.append((yield from _part(lane, at, tag, known)))
        results = yield from inlined(body, tag, [*carried, *parts], known)
        carried = results[:states]
        for row, name in zip(made, results[states:], strict=True):
            row.append(name)
    joined, nothing = list[str](), [0] * len(outputs)
    axes, backwards = given.get("scan_output_axes", nothing), given.get("scan_output_directions", nothing)
    for row, value, axis, turned in zip(made, outputs, axes, backwards, strict=True):
        joined.append((yield from _stack(row[::-1] if turned else row, value, axis, label(node), known)))
    yield from _returned([*carried, *joined], node)


@dataclass(frozen=True)
class _Lane:
    """A tensor that a Scan takes apart along an axis, `extent` parts in order or backwards."""

    name: str
    axis: int
    extent: int
    backwards: bool


def _lanes(names: Sequence[str], given: Mapping[str, Any], known: Known) -> list[_Lane]:
    nothing, lanes = [0] * len(names), list[_Lane]()
    axes: list[int] = given.get("scan_input_axes", nothing)
    backwards: list[int] = given.get("scan_input_directions", nothing)
    for name, axis, turned in zip(names, axes, backwards, strict=True):
        if (dims := known.dims(name)) is None:
            raise NotStatic(f"the extents of {name!r}, which it scans, aren't known")
        if dims[axis] > ROUNDS:
            raise NotStatic(f"it takes {dims[axis]} steps; up to {ROUNDS} are spelt out")
        lanes.append(_Lane(name, axis % len(dims), dims[axis], bool(turned)))
    return lanes


CONTROL: dict[str, Rewrite] = {"If": choose, "Loop": unroll, "Scan": scan}


def inlined(
    graph: onnx.GraphProto, tag: str, given: Sequence[str], known: Known
) -> Generator[onnx.NodeProto, None, list[str]]:
    """
    The nodes of an inner graph whose inputs are the tensors `given`; what it makes is called `<tag>_<name>`.

    Returns what its outputs are called.
    """
    names = {value.name: name for value, name in zip(graph.input, given, strict=True)}
    for initializer in graph.initializer:
        value = numpy_helper.to_array(initializer)
        names[initializer.name] = known.constant(value, f"{tag}_{initializer.name}")
    for node in graph.node:
        names |= {name: known.fresh(f"{tag}_{name}") for name in node.output if name}
        made = renamed(node, names)
        made.name = f"{tag}_{node.name or node.output[0]}"
        yield made
    return [names.get(value.name, value.name) for value in graph.output]


def label(node: onnx.NodeProto) -> str:
    """What the tensors inside a node are named after: it, or the first tensor that it makes."""
    return node.name or next(filter(None, node.output))


def unsqueezed(name: str, axis: int, made: str, known: Known) -> onnx.NodeProto:
    """`made` is `name` with one more axis."""
    if known.opset < 13:
        return helper.make_node("Unsqueeze", [name], [made], axes=[axis])
    return helper.make_node("Unsqueeze", [name, known.constant(np.array([axis]), f"{made}_axis")], [made])


def squeezed(name: str, axis: int, made: str, known: Known) -> onnx.NodeProto:
    """`made` is `name` without an axis of extent 1."""
    if known.opset < 13:
        return helper.make_node("Squeeze", [name], [made], axes=[axis])
    return helper.make_node("Squeeze", [name, known.constant(np.array([axis]), f"{made}_axis")], [made])


def cut(name: str, axis: int, start: int, end: int, made: str, known: Known) -> onnx.NodeProto:
    """`made` is `name` from `start` to `end` along an axis."""
    if known.opset < 10:
        return helper.make_node("Slice", [name], [made], axes=[axis], starts=[start], ends=[end])
    bounds = {"starts": start, "ends": end, "axes": axis}
    return helper.make_node(
        "Slice", [name, *(known.constant(np.array([n]), f"{made}_{role}") for role, n in bounds.items())], [made]
    )


def _part(lane: _Lane, i: int, tag: str, known: Known) -> Generator[onnx.NodeProto, None, str]:
    row, part = known.fresh(f"{tag}_{lane.name}_row"), known.fresh(f"{tag}_{lane.name}_part")
    yield cut(lane.name, lane.axis, i, i + 1, row, known)
    yield squeezed(row, lane.axis, part, known)
    return part


def _stack(
    row: Sequence[str], value: onnx.ValueInfoProto, axis: int, tag: str, known: Known
) -> Generator[onnx.NodeProto, None, str]:
    """The tensors `row`, all of the kind of `value`, along a new axis."""
    if not row:
        kind = value.type.tensor_type
        dims = [dim.dim_value for dim in kind.shape.dim]
        dims.insert(axis % (len(dims) + 1), 0)
        return known.constant(np.empty(dims, helper.tensor_dtype_to_np_dtype(kind.elem_type)), f"{tag}_{value.name}")
    rows = list[str]()
    for name in row:
        rows.append(known.fresh(f"{name}_row"))
        yield unsqueezed(name, axis, rows[-1], known)
    made = known.fresh(f"{tag}_{value.name}_rows")
    yield helper.make_node("Concat", rows, [made], axis=axis)
    return made


def _returned(results: Sequence[str], node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    """The node's outputs as what was made for them."""
    for result, name in zip(results, node.output, strict=False):
        if name:
            yield helper.make_node("Identity", [result], [name], name)


def _graph(node: onnx.NodeProto, name: str) -> onnx.GraphProto:
    return next(a.g for a in node.attribute if a.name == name)


def _value(name: str, known: Known, role: str) -> Array:
    if name not in known.constants:
        raise NotStatic(f"{role} depends on the network's inputs")
    return known.constants[name]
