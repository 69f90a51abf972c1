"""Products, sums by Einsum, reductions and running sums of any rank, against onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from compiler import opt
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.to_top.read import read
from compiler.interpreter.run import run
from compiler.lowering.walk import lower
from compiler.stages.canonical_mlir import PIPELINE
from tests.compiler.frontends.onnx.lowered import assert_lowers_to_the_same, one_node

EXTENTS = st.integers(1, 4)
LETTERS = "abcde"


@settings(max_examples=40)
@given(st.data())
def test_a_product_of_any_two_shapes(data: st.DataObject) -> None:
    batch = data.draw(st.lists(EXTENTS, max_size=3))
    m, k, n = (data.draw(EXTENTS) for _ in "mkn")
    lead = [
        [d if data.draw(st.booleans()) else 1 for d in batch[data.draw(st.integers(0, len(batch))) :]] for _ in "ab"
    ]
    left = [k] if not lead[0] and data.draw(st.booleans()) else [*lead[0], m, k]
    right = [k] if not lead[1] and data.draw(st.booleans()) else [*lead[1], k, n]
    assert_lowers_to_the_same(one_node("MatMul", [left, right]), data.draw(st.integers(0, 99)))


@settings(max_examples=40)
@given(st.data())
def test_any_sum_of_products(data: st.DataObject) -> None:
    sizes = {letter: data.draw(EXTENTS) for letter in LETTERS}
    words = [
        data.draw(st.lists(st.sampled_from(LETTERS), min_size=1, max_size=4, unique=True))
        for _ in range(data.draw(st.integers(1, 3)))
    ]
    every = sorted({letter for word in words for letter in word})
    result = data.draw(st.permutations(every))[: data.draw(st.integers(0, len(every)))]
    equation = f"{','.join(map(''.join, words))}->{''.join(result)}"
    dims = [[sizes[letter] for letter in word] for word in words]
    assert_lowers_to_the_same(one_node("Einsum", dims, equation=equation), data.draw(st.integers(0, 99)))


@pytest.mark.parametrize(
    ("equation", "dims"),
    [
        ("...ij,...jk->...ik", [(2, 1, 3, 4), (1, 3, 4, 5)]), ("ii->i", [(4, 4)]), ("...ii->...i", [(2, 3, 3)]),
        ("ii", [(3, 3)]), ("ij,jk", [(2, 3), (3, 4)]), ("i...->...", [(3, 2, 4)]),
        ("bhqd,bhkd->bhqk", [(2, 3, 4, 5)] * 2),
    ],
)  # fmt: skip
def test_einsum_of_the_usual_forms(equation: str, dims: Sequence[Sequence[int]]) -> None:
    assert_lowers_to_the_same(one_node("Einsum", dims, equation=equation))


@settings(max_examples=60)
@given(st.data())
def test_a_reduction_over_any_axes(data: st.DataObject) -> None:
    dims = data.draw(st.lists(EXTENTS, min_size=1, max_size=5))
    axes = data.draw(st.lists(st.integers(0, len(dims) - 1), unique=True))
    whole = data.draw(st.booleans())
    kinds = (
        ["Sum", "Max", "Min", "Prod"]
        if whole
        else ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSumExp"]
    )
    keep = data.draw(st.integers(0, 1))
    kind = TensorProto.INT32 if whole else TensorProto.FLOAT
    asked = [np.array(axes, np.int64)] if axes else []
    model = one_node(f"Reduce{data.draw(st.sampled_from(kinds))}", [dims], asked, opset=18, kind=kind, keepdims=keep)
    assert_lowers_to_the_same(model, data.draw(st.integers(0, 99)))


@pytest.mark.parametrize("dims", [(1, 1), (2, 2), (3, 2, 2), (2, 3, 3, 3), (4, 4)])
def test_a_determinant(dims: Sequence[int]) -> None:
    assert_lowers_to_the_same(one_node("Det", [dims]))


@settings(max_examples=30)
@given(st.data())
def test_a_running_sum(data: st.DataObject) -> None:
    dims = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    axis = data.draw(st.integers(-len(dims), len(dims) - 1))
    kind = data.draw(st.sampled_from([TensorProto.FLOAT, TensorProto.INT32]))
    flags = {name: data.draw(st.integers(0, 1)) for name in ("exclusive", "reverse")}
    assert_lowers_to_the_same(one_node("CumSum", [dims], [np.array(axis)], kind=kind, **flags))


def test_no_infinity_reaches_a_running_sum_before_it() -> None:
    model = one_node("CumSum", [[5]], [np.array(0)])
    network = read(prepare(model, {}), "one")
    opt.run(network, opt.passes(PIPELINE))
    lower(network, "f32")
    (made,) = run(network, {"x0": np.array([1, 2, np.inf, 4, 5], np.float32)}, lambda op, array: None).values()
    assert made.tolist() == [1, 3, np.inf, np.inf, np.inf]
