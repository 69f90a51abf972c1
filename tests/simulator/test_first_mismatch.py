"""The first tensor that a run makes otherwise than a reference has it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.debug_map import TensorSlice
from simulator.isa.table import DType, Engine
from simulator.loaded import Loaded
from simulator.machine import Machine
from simulator.mismatch import BadReference, FirstMismatch
from simulator.model_file import Model, Tensor
from simulator.runtime import PyRuntime
from tests.simulator.programs import Program

X = (np.arange(72) % 50 - 25).astype(np.int8).reshape(2, 9, 4, 1)


def mapped() -> Model:
    """Two int8 inputs, their sum in two halves, and their product; a debug map of all of it."""
    program = Program("e8")
    a, b = program.load(program.feed(X)), program.load(program.feed(X))
    total, product = (program.local(a.dims, DType.I8) for _ in range(2))
    halves = [replace(total, dims=(1, 9, 4, 1), addr=total.addr + i * total.strides[0]) for i in range(2)]
    for i, half in enumerate(halves):
        parts = {name: replace(x, dims=half.dims, addr=x.addr + i * x.strides[0]) for name, x in (("a", a), ("b", b))}
        program.do(
            "RESCALE_ADD", out=half, a=parts["a"], b=parts["b"], za=0, zb=0, zy=0, ma=1 << 14, mb=1 << 14, shift=15,
            low=-128, high=127,
        )  # fmt: skip
    program.do("RESCALE_MUL", out=product, a=a, b=b, za=0, zb=0, zy=0, multiplier=1, shift=3, low=-128, high=127)
    program.store(product)
    whole = ((0, 2), (0, 9), (0, 4), (0, 1))
    boxes = [((i, i + 1), (0, 9), (0, 4), (0, 1)) for i in range(2)]
    shape = (2, 9, 4, 1)
    sums = [TensorSlice(Engine.TIU, i + 1, half, box) for i, (half, box) in enumerate(zip(halves, boxes, strict=True))]
    tensors = (
        Tensor("x", shape, DType.I8, slices=[TensorSlice(Engine.GDMA, 1, a, whole)]),
        Tensor("sum", shape, DType.I8, 0.5, 0, slices=sums),
        Tensor("product", shape, DType.I8, slices=[TensorSlice(Engine.TIU, 3, product, whole)]),
    )
    made = program.model()
    tiu = made.tiu.copy()
    tiu["tag"] = 1, 1, 2, 0
    return replace(made, tiu=tiu, tensors=tensors, layers=("", "add", "mul"))


@pytest.fixture
def reference() -> dict[str, Any]:
    return PyRuntime(mapped()).dump([X, X])


def found(reference: Any) -> FirstMismatch:
    first = PyRuntime(mapped()).first_mismatch([X, X], reference)
    assert first is not None
    return first


def test_equal_runs_have_none(reference: dict[str, Any], tmp_path: Path) -> None:
    assert PyRuntime(mapped()).first_mismatch({"x0": X, "x1": X}, reference) is None
    np.savez(tmp_path / "some.npz", sum=reference["sum"])
    assert PyRuntime(mapped()).first_mismatch([X, X], tmp_path / "some.npz") is None


def test_the_first_is_named_with_all_that_there_is_to_know(reference: dict[str, Any]) -> None:
    reference["product"][0, 0, 0, 0] ^= 1
    wanted = reference["sum"][1, 4, 2, 0] + 6
    reference["sum"][1, 4:6, 2, 0] += 6
    first = found(reference)
    told = first.mismatch
    assert (first.layer, first.core, first.engine, first.record) == ("add", 0, Engine.TIU, 2)
    assert (told.tensor, told.index, told.differing, told.compared) == ("sum", (1, 4, 2, 0), 2, 36)
    assert (told.wanted, told.got) == (wanted, wanted - 6)
    assert told.reals == (wanted * 0.5, (wanted - 6) * 0.5)
    assert "layer 'add', TIU record 2: tensor 'sum' differs in 2 of 36 elements, first at [1,4,2,0]" in str(first)


def test_no_more_is_run_than_is_needed(reference: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seen, run = list[tuple[int, Engine, int]](), Machine.run

    def counted(self: Machine, observer: Any) -> None:
        def observe(*record: Any) -> None:
            seen.append(record)
            observer(*record)

        run(self, observe)

    reference["sum"][0, 0, 0, 0] ^= 1
    monkeypatch.setattr(Machine, "run", counted)
    assert found(reference).record == 1
    assert [record for _, engine, record in seen if engine == Engine.TIU] == [1]


def test_results_of_another_model_are_refused(reference: dict[str, Any]) -> None:
    session = PyRuntime(mapped())
    with pytest.raises(BadReference, match="no tensor of the model is in these results; they hold z"):
        session.first_mismatch([X, X], {"z": X})
    with pytest.raises(BadReference, match="'sum' is int8"):
        session.first_mismatch([X, X], {"sum": X.astype(np.float32)})


def test_a_search_leaves_a_chip_fit_for_use(reference: dict[str, Any]) -> None:
    chip, wrong = Loaded(mapped()), {"x": X + 1}
    feeds = {"x0": X, "x1": X}
    assert chip.first_mismatch(feeds, wrong) is not None
    assert chip.dump(feeds)["product"].tobytes() == reference["product"].tobytes()
