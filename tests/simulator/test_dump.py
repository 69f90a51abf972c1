"""Dumps: slices stitched, checked against each other, and complete."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulator.debug_map import SliceBox, TensorSlice
from simulator.dump import BadDump
from simulator.isa.record import Operand
from simulator.isa.table import DType, Engine
from simulator.model_file import Model, Tensor
from simulator.runtime import PyRuntime
from tests.simulator.programs import Program

X = np.arange(19 * 6 * 2, dtype=np.float32).reshape(1, 19, 6, 2)


def box(first: int, last: int) -> SliceBox:
    """Rows of the tensor."""
    return (0, 1), (0, 19), (first, last), (0, 2)


def rows(operand: Operand, first: int, last: int) -> Operand:
    n, c, _, w = operand.dims
    return replace(operand, addr=operand.addr + first * operand.strides[2], dims=(n, c, last - first, w))


def sliced(second: tuple[int, int] = (3, 6), scalar: float = 2.0, **changes: Any) -> Model:
    """`double`: rows 0–3 and then rows 2–5 in the same buffer, the second times `scalar`; `flat` has its bytes."""
    program = Program("e8")
    source = program.feed(X)
    held, made = program.local((1, 19, 4, 2), DType.F32), program.local((1, 19, 4, 2), DType.F32)
    result = program.result(X.shape, DType.F32)
    slices = [TensorSlice(Engine.GDMA, 0, source, box(0, 6))]
    inputs, parts = [Tensor("x0", X.shape, DType.F32, slices=slices)], list[TensorSlice]()
    for number, (first, last, factor) in enumerate(((0, 4, 2.0), (*second, scalar)), 1):
        piece, part = rows(held, 0, last - first), rows(made, 0, last - first)
        away = replace(source, addr=source.addr + first * source.strides[2], dims=piece.dims)
        program.do("LOAD", out=piece, in_=away)
        program.do("ARITH", "mul", out=part, a=piece, b=None, scalar=factor)
        program.commands[-1] = replace(program.commands[-1], flags=program.commands[-1].flags.SCALAR_B)
        program.do("STORE", out=replace(result, addr=result.addr + first * 8, dims=part.dims), in_=part)
        parts.append(TensorSlice(Engine.TIU, number, part, box(first, last)))
    double = replace(Tensor("double", X.shape, DType.F32, slices=parts), **changes)
    return program.model([*inputs, double, Tensor("flat", (19 * 12,), DType.F32, folded_into="double")])


def test_every_tensor_by_name() -> None:
    dumped = PyRuntime(sliced(second=(2, 6))).dump({"x0": X})
    assert list(dumped) == ["x0", "double", "flat"]
    assert np.array_equal(dumped["x0"], X)
    assert np.array_equal(dumped["double"], 2 * X)
    assert np.array_equal(dumped["flat"], 2 * X.ravel())


def test_halos_that_differ() -> None:
    with pytest.raises(BadDump, match="'double', TIU record 2: 76 elements differ"):
        PyRuntime(sliced(second=(2, 6), scalar=3.0)).dump([X])


def test_halos_are_compared_by_bits() -> None:
    """-0 and +0 are not the same."""
    zeros = np.zeros_like(X)
    with pytest.raises(BadDump, match="76 elements differ"):
        PyRuntime(sliced(second=(2, 6), scalar=-2.0)).dump([zeros])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"second": (4, 5)}, "'double': 38 of 228 elements are in no slice"),
        ({"slices": ()}, "'double': 228 of 228 elements"),
        ({"name": "other"}, "'flat' is folded into 'double', which the debug map lacks"),
        ({"folded_into": "flat"}, "'double' is folded into 'double', which"),
        ({"shape": (1, 19, 6, 1)}, "'double', TIU record 1: operand .* is no box"),
        ({"dtype": DType.I32}, "'double', TIU record 1: type F32 isn't I32"),
    ],
)
def test_maps_that_do_not_add_up(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadDump, match=message):
        PyRuntime(sliced(**changes)).dump([X])


def test_a_record_that_never_runs() -> None:
    model = sliced()
    late = replace(model.tensors[1], slices=[replace(model.tensors[1].slices[0], record=99)])
    with pytest.raises(BadDump, match="'double': TIU record 99 never ran"):
        PyRuntime(replace(model, tensors=[late])).dump([X])


def test_a_dump_is_of_one_batch() -> None:
    with pytest.raises(ValueError, match="one batch, not 2"):
        PyRuntime(sliced()).dump([np.concatenate([X, X])])
