"""Ops that move values, at every rank and element type: onnxruntime's results, on the chip alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.codegen.assemble import assemble
from compiler.interpreter.results import results
from compiler.lowering.walk import lower
from compiler.schedule.addresses import assign
from compiler.schedule.divide import divide
from simulator.chip import CHIPS
from simulator.runtime import PyRuntime
from tests.compiler.lowering.networks import calibrate
from tests.compiler.lowering.nodes import Array, Node, canonical, check, lowered, node, on_host

RNG = np.random.default_rng(0)


def floats(*dims: int) -> Array:
    return RNG.normal(size=dims).astype(np.float32)


def wholes(low: int, high: int, *dims: int, kind: Any = np.int64) -> Array:
    return RNG.integers(low, high, dims).astype(kind)


def told(*values: int) -> Array:
    return np.array(values, np.int64)


def at(low: int, high: int, *dims: int) -> Array:
    """Indices."""
    return wholes(low, high, *dims)


FIVE, SIX = floats(2, 3, 4, 5, 6), floats(2, 3, 2, 4, 3, 2)
DEEP = wholes(-9, 9, 2, 3, 4, 2, 2)
MASK = wholes(0, 2, 3, 4, 5).astype(bool)
PLANES = floats(2, 8, 4, 6)

CASES: Mapping[str, Node] = {
    "permute rank 5": node("Transpose", FIVE, perm=[4, 2, 0, 3, 1]),
    "permute rank 6, no two axes together": node("Transpose", SIX, perm=[5, 3, 1, 4, 2, 0]),
    "permute integers": node("Transpose", DEEP, perm=[4, 3, 2, 1, 0]),
    "permute bools": node("Transpose", MASK, perm=[2, 0, 1]),
    "concat rank 5": node("Concat", FIVE, floats(2, 3, 1, 5, 6), fed=(0, 1), axis=2),
    "concat integers": node("Concat", DEEP, wholes(0, 5, 2, 3, 4, 2, 3), fed=(0,), axis=4),
    "concat bools": node("Concat", MASK, MASK[:1], fed=(0, 1), axis=0),
    "split rank 5": node("Split", FIVE, told(1, 3), outputs=2, axis=2),
    "slice rank 6": node("Slice", SIX, told(1, 0, 1, 0), told(9, 9, 3, 2), told(0, 2, 3, 5), told(1, 2, 1, 1)),
    "slice all of rank 6": node(
        "Slice", SIX, told(0, 1, 0, 1, 0, 1), told(*[9] * 6), told(*range(6)), told(1, 2, 1, 1, 2, 1)
    ),
    "slice backwards": node("Slice", floats(5, 6, 7), told(-1, 4), told(-99, 1), told(0, 2), told(-2, -1)),
    "slice integers backwards": node("Slice", DEEP, told(2), told(-99), told(1), told(-1)),
    "expand": node("Expand", floats(3, 1, 5), told(2, 1, 4, 5)),
    "expand rank 6": node("Expand", floats(2, 1, 3, 1, 2, 1), told(2, 2, 3, 3, 2, 4)),
    "expand rank 7": node("Expand", floats(2, 1, 3, 1, 2, 1, 2), told(2, 2, 3, 3, 2, 4, 2)),
    "expand bools": node("Expand", MASK[:, :, :1], told(3, 4, 5)),
    "tile": node("Tile", floats(3, 4, 5), told(2, 1, 3)),
    "tile rank 5": node("Tile", DEEP, told(1, 2, 1, 3, 2)),
    "pad reflect": node("Pad", floats(2, 3, 5, 6), told(0, 1, 2, 3, 0, 0, 4, 5), mode="reflect"),
    "pad edge": node("Pad", wholes(0, 9, 3, 4, kind=np.int32), told(1, 0, 2, 3), mode="edge"),
    "pad wrap": node("Pad", floats(3, 4), told(1, 2, 0, 3), mode="wrap"),
    "pad negative": node("Pad", floats(5, 6, 4), told(-1, 2, 0, 1, -3, -2)),
    "pad rank 5": node("Pad", FIVE, told(0, 1, 0, 0, 2, 1, 0, 0, 1, 0), np.array(7, np.float32)),
    "pad integers": node("Pad", DEEP[0], told(0, 1, 0, 0, 0, 0, 0, 2), np.array(-3)),
    "depth to space": node("DepthToSpace", PLANES, blocksize=2),
    "depth to space crd": node("DepthToSpace", PLANES, blocksize=2, mode="CRD"),
    "space to depth": node("SpaceToDepth", PLANES, blocksize=2),
    "center crop pad": node("CenterCropPad", floats(5, 6, 3), told(3, 9), axes=[0, 1]),
    "gather": node("Gather", floats(4, 6, 5), at(-6, 6, 3, 2), fed=(0, 1), axis=1),
    "gather of a table": node("Gather", floats(40, 12), at(0, 40, 2, 9), fed=(1,)),
    "gather by one": node("Gather", FIVE, np.array(-2), axis=3),
    "gather by a run": node("Gather", FIVE, told(4, 2, 0), axis=3),
    "gather by known": node("Gather", DEEP, told(0, 2, 1, 1), axis=1),
    "gather integers": node("Gather", DEEP, at(-2, 2, 3), fed=(0, 1), axis=4),
    "gather bools": node("Gather", MASK, at(-4, 4, 7), fed=(0, 1), axis=1),
    "gather elements": node("GatherElements", floats(4, 5, 3), at(-5, 5, 4, 2, 3), fed=(0, 1), axis=1),
    "gather elements, shorter": node("GatherElements", floats(4, 5, 3), at(-4, 4, 2, 3, 2), fed=(0, 1), axis=0),
    "gather nd": node("GatherND", FIVE, at(-2, 2, 3, 2, 3), fed=(0, 1)),
    "gather nd in step": node("GatherND", FIVE, at(-3, 3, 2, 4, 2), fed=(0, 1), batch_dims=1),
    "gather nd by known": node("GatherND", DEEP, at(-2, 2, 3, 2)),
    "scatter elements": node("ScatterElements", floats(5, 4), at(-5, 5, 3, 4), floats(3, 4), fed=(0, 2)),
    "scatter elements, shorter": node(
        "ScatterElements", floats(3, 6, 4), told(3, -1, 0).reshape(1, 3, 1), floats(1, 3, 1), fed=(0, 1, 2), axis=1
    ),
    "scatter elements max": node(
        "ScatterElements", floats(3, 6), at(-6, 6, 3, 9), floats(3, 9), fed=(0, 1, 2), axis=1, reduction="max"
    ),
    "scatter nd": node(
        "ScatterND", floats(4, 5, 3), told(0, 1, -1, 2, 3, 3).reshape(3, 2), floats(3, 3), fed=(0, 1, 2)
    ),
    "scatter nd add": node(
        "ScatterND", wholes(0, 9, 6, 3), told(0, 2, 2, -1).reshape(4, 1), wholes(0, 9, 4, 3), fed=(0,), reduction="add"
    ),
    "reverse sequence": node("ReverseSequence", floats(4, 3, 5), told(2, 4, 1), fed=(0, 1), batch_axis=1, time_axis=0),
    "reverse sequence of integers": node(
        "ReverseSequence", wholes(0, 9, 3, 5), told(2, 4, 1), fed=(0, 1), batch_axis=0, time_axis=1
    ),
    "top k": node("TopK", floats(3, 20, 2), told(4), outputs=2, axis=1),
    "top k of equals": node("TopK", wholes(0, 3, 4, 9), told(5), outputs=2),
    "top k smallest": node("TopK", np.round(floats(4, 30)), told(7), outputs=2, largest=0),
    "tril": node("Trilu", floats(2, 4, 5), np.array(1), upper=0),
    "triu of integers": node("Trilu", wholes(-9, 9, 5, 4), np.array(-2)),
    "triu of bools": node("Trilu", MASK),
    "one hot": node("OneHot", at(-6, 6, 3, 4), np.array(5), np.array([2, 7], np.float32), axis=1),
    "one hot of fed values": node("OneHot", at(0, 5, 3), told(5), told(-1, 4), fed=(0, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_chip_moves_as_onnxruntime_does(name: str) -> None:
    check(CASES[name], seed=len(name))


@pytest.mark.parametrize("kind", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("last", [0, 1])
def test_arg(kind: str, last: int) -> None:
    for x in (np.round(floats(3, 9, 4)), wholes(-3, 3, 3, 9, 4, kind=np.int32), wholes(0, 5, 3, 9, 4, kind=np.uint8)):
        check(node(kind, x, axis=1, select_last_index=last, keepdims=last), seed=last)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_permutation_of_any_rank(data: st.DataObject) -> None:
    dims = data.draw(st.lists(st.integers(1, 3), min_size=4, max_size=7))
    order = data.draw(st.permutations(range(len(dims))))
    check(node("Transpose", np.arange(np.prod(dims), dtype=np.float32).reshape(dims), perm=order))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_slice_of_any_rank(data: st.DataObject) -> None:
    dims = data.draw(st.lists(st.integers(1, 4), min_size=3, max_size=6))
    starts, ends, steps = list[int](), list[int](), list[int]()
    for extent in dims:
        step = data.draw(st.sampled_from([1, 1, 2, 3, -1, -2]))
        first, last = sorted(data.draw(st.tuples(*[st.integers(0, extent - 1)] * 2)))
        starts.append(first if step > 0 else last)
        ends.append(last + 1 if step > 0 else first - 1 if first else -extent - 1)
        steps.append(step)
    x = np.arange(np.prod(dims), dtype=np.float32).reshape(dims)
    check(node("Slice", x, told(*starts), told(*ends), told(*range(len(dims))), told(*steps)))


def test_halves_and_bytes_move_as_they_are() -> None:
    for mode in ("bf16", "f16"):
        x = np.round(floats(3, 4, 5) * 8) / 8
        check(node("Gather", x, at(-4, 4, 6), fed=(0, 1), axis=1), mode)
        check(node("ScatterElements", x, at(-3, 3, 3, 4, 5), np.round(floats(3, 4, 5)), fed=(0, 1, 2)), mode)


def test_a_result_without_elements_needs_nobody() -> None:
    case = node("Slice", floats(3, 4, 5), told(4), told(9), told(1))
    network = lowered(case)
    assert on_host(network) == []
    divide(network, CHIPS["e8"])
    assign(network)
    (made,) = PyRuntime(assemble(network, CHIPS["e8"])).run(None, case.fed)
    assert (made.shape, made.dtype) == ((3, 0, 5), np.float32)


@pytest.mark.parametrize("mode", ["int8", "int8a"])
def test_an_embedding_is_picked_as_bytes(mode: str) -> None:
    """The nearest step of each number of the table; indices are fed as they are."""
    case = node("Gather", floats(40, 12), at(0, 40, 2, 9), fed=(1,))
    network = canonical(case)
    (table, ids) = case.constants["x0"], case.fed["x1"]
    calibrate(network, {"y0_Gather": table}, {})
    lower(network, mode)
    found = results(network, case.fed)
    meaning = found.meanings["y0_Gather"]
    assert "int8" in meaning.dtype
    assert np.abs(found.real("y0_Gather") - table[ids]).max() <= 0.51 * np.max(meaning.scale)
