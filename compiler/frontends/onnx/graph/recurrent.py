"""
LSTM, GRU and RNN, a cell a step: products, sums and activations.

The products of all steps' inputs with the weights are one. Shapes: t steps, n samples, i inputs, h hidden, g gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper

from compiler.frontends.onnx.graph.cells import CELLS, Cell, Weights
from compiler.frontends.onnx.graph.control import NotStatic
from compiler.frontends.onnx.graph.emitter import Emitter
from compiler.frontends.onnx.graph.fold import Known

STEPS = 1024
"""A sequence of more steps isn't spelt out."""


@dataclass
class _Sequence:
    """What a node is fed: `x` (t, n, i), `lengths` (n) or nothing, `states` (directions, n, h), or nothing each."""

    x: str
    steps: int
    samples: int
    lengths: str
    states: list[str]
    backwards: bool = False


def recurrent(node: onnx.NodeProto, known: Known) -> Sequence[onnx.NodeProto]:
    """The node's outputs Y, Y_h (and Y_c) by ops without a state. Raises NotStatic."""
    given: dict[str, Any] = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    kind, out = CELLS[node.op_type], Emitter(node, known)
    x, w, r, bias, lengths, *rest = (*node.input, *[""] * 8)[:8]
    dims, hidden = known.dims(x), (known.dims(r) or (0,))[-1]
    if dims is None or not hidden or known.dims(w) is None:
        raise NotStatic("the extents of its input or weights aren't known")
    by_sample = bool(given.get("layout", 0))
    steps, samples = (dims[1], dims[0]) if by_sample else dims[:2]
    if steps > STEPS:
        raise NotStatic(f"{steps} steps; up to {STEPS} are spelt out")
    states, peepholes = rest[: kind.states], rest[kind.states : kind.states + 1]
    if by_sample:
        x = out.op("Transpose", [x], "steps", perm=[1, 0, 2])
        states = [out.op("Transpose", [s], "start", perm=[1, 0, 2]) if s else "" for s in states]
    direction = given.get("direction", b"forward").decode()
    turned = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[direction]
    rows, ends = list[str](), list[list[str]]()
    for d, backwards in enumerate(turned):
        weights = Weights.of(out, kind, d, hidden, w, r, bias, *peepholes)
        cell = kind(out, weights, given, d)
        own = [_part(out, state, d, "start") if state else "" for state in states]
        made, last = _run(out, cell, _Sequence(x, steps, samples, lengths, own, backwards))
        rows.append(out.reshaped(out.op("Concat", made, "rows", axis=0), (steps, 1, samples, hidden), "turn"))
        ends.append([out.unsqueezed(state, 0, "end") for state in last])
    _give(out, node, rows, ends, by_sample)
    return out.nodes


def _run(out: Emitter, cell: Cell, fed: _Sequence) -> tuple[list[str], list[str]]:
    """The hidden state (n, h) after each step, in order of time, and all states at the end."""
    dims = (fed.steps * fed.samples, -1)
    projected = cell.projected(out.reshaped(fed.x, dims, "inputs"))
    states, rows = list(fed.states), dict[int, str]()
    nothing = out.constant(np.zeros((fed.samples, cell.weights.hidden)), "nothing", out.kind)
    for t in reversed(range(fed.steps)) if fed.backwards else range(fed.steps):
        active = _active(out, fed, t)
        if active is None:
            rows[t] = nothing
            continue
        x = out.cut(projected, 0, t * fed.samples, (t + 1) * fed.samples, f"x{t}") if fed.steps > 1 else projected
        made = cell.step(x, states)
        if active:
            kept = [out.op("Mul", [state, active], "kept") for state in made]
            inactive = out.op("Sub", [out.constant(1, "one", out.kind), active], "inactive")
            made = [
                out.op("Add", [new, out.op("Mul", [old, inactive], "held")], "state") if old else new
                for new, old in zip(kept, states, strict=True)
            ]
            rows[t] = kept[0]
        else:
            rows[t] = made[0]
        states = made
    return [rows[t] for t in range(fed.steps)], [state or nothing for state in states]


def _active(out: Emitter, fed: _Sequence, t: int) -> str | None:
    """Which samples have a step t, as zeros and ones (n, 1); nothing where all have, None where none has."""
    if not fed.lengths:
        return ""
    if (lengths := out.value(fed.lengths)) is not None:
        present = t < lengths
        if present.any() and not present.all():
            return out.constant(present[:, None], f"active{t}", out.kind)
        return "" if present.all() else None
    step = out.constant(t, f"step{t}", out.numpy_type(fed.lengths))
    present = out.op("Less", [step, fed.lengths], f"present{t}")
    number = out.op("Cast", [present], f"number{t}", to=helper.np_dtype_to_tensor_dtype(out.kind))
    return out.unsqueezed(number, 1, f"active{t}")


def _part(out: Emitter, name: str, d: int, role: str) -> str:
    """The slice of one direction, of a tensor that has an axis for it in front."""
    return out.squeezed(out.cut(name, 0, d, d + 1, f"{role}_slice"), 0, role)


def _give(
    out: Emitter, node: onnx.NodeProto, rows: Sequence[str], ends: Sequence[Sequence[str]], by_sample: bool
) -> None:
    """Y of rows (t, 1, n, h) and the last states (1, n, h) of each direction."""
    parts = [rows, *zip(*ends, strict=True)]
    for i, (name, part) in enumerate(zip(node.output, parts, strict=False)):
        if not name:
            continue
        axis = 0 if i else 1
        if not by_sample:
            out.give("Concat", part, name, axis=axis)
            continue
        joined = out.op("Concat", part, "joined", axis=axis)
        out.give("Transpose", [joined], name, perm=[1, 0, 2] if i else [2, 0, 1, 3])


RECURRENT = dict.fromkeys(CELLS, recurrent)
