"""`bench exact` covers every op, would see a wrong byte, and finds none in what is quick to run."""

from math import prod
from pathlib import Path

import numpy as np
import pytest

from compiler.comparison import Incomplete
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.ops import Tpu
from compiler.ir.storage import dtype_of
from compiler.results import Meaning, Results
from compiler.stages import tpu_results
from pipeline.bench.exact import giant_rows, mismatched_bytes
from pipeline.bench.giants import ELEMENTS, GIANTS, LANE_BYTES, LANES
from pipeline.bench.sketch import Sketch
from pipeline.bench.status import telling
from simulator.chip import CHIPS

TPU, CHIP = "tpu_results", "chip_results"
QUICK = ("Conv", "MatMul", "Pool-avg", "Reduce-mean-hw", "Cast-to-f32", "Concat-c", "Slice", "Luts")


def test_every_op_class_has_a_giant() -> None:
    classes = {op for op in Tpu.operations if issubclass(op, TpuOp)}
    assert {giant.op for giant in GIANTS.values()} == classes


@pytest.mark.parametrize("name", GIANTS)
def test_a_giant_fills_four_lanes_and_most_of_it_lies_along_its_axis(name: str) -> None:
    for label, mode, extents in GIANTS[name].cases(name):
        axis = GIANTS[name].axes.index(label[-1])
        assert prod(extents) * dtype_of(ELEMENTS[mode]).itemsize == 4 * LANES * LANE_BYTES
        assert extents[axis] == max(extents)
    assert (CHIPS["e8"].lanes, CHIPS["e8"].lane_bytes) == (LANES, LANE_BYTES)


@pytest.mark.parametrize("name", GIANTS)
def test_a_giants_result_says_something(name: str, tmp_path: Path) -> None:
    _, mode, extents = next(GIANTS[name].cases(name))
    sketch = Sketch()
    sketch.save(GIANTS[name].make(sketch, ELEMENTS[mode], extents), mode, tmp_path)
    tpu_results.run({"tpu_mlir": tmp_path, "evaluation_data": tmp_path}, {}, tmp_path)
    made = Results.load(tmp_path, "tpu_results").real("t1" if name == "Reshape" else "t0")
    assert len(np.unique(made)) > 30
    assert np.isfinite(made).all()


@pytest.mark.parametrize("name", QUICK)
def test_the_chip_makes_the_bytes_of_a_giant(name: str) -> None:
    with telling() as told:
        rows = list(giant_rows(told, 1, (name,)))
    assert [row.case for row in rows if row.value] == []
    assert len(rows) == 2 * len(list(GIANTS[name].cases(name)))


@pytest.fixture
def sides(tmp_path: Path) -> dict[str, Path]:
    """Two runs with the same two tensors."""
    for side in (TPU, CHIP):
        (tmp_path / side).mkdir()
        save({"a": np.arange(6, dtype=np.int8), "b": np.zeros((2, 2), np.float32)}, tmp_path / side, side)
    return {side: tmp_path / side for side in (TPU, CHIP)}


def save(arrays: dict[str, np.ndarray], folder: Path, side: str) -> None:
    meanings = {name: Meaning(str(array.dtype), 0.5 if name == "a" else 1.0) for name, array in arrays.items()}
    Results(arrays, meanings).save(folder, side)


def test_equal_runs_have_no_mismatch(sides: dict[str, Path]) -> None:
    assert mismatched_bytes(sides[TPU], sides[CHIP]) == 0


def test_each_wrong_byte_counts_and_minus_zero_is_wrong(sides: dict[str, Path]) -> None:
    wrong = {"a": np.array([0, 1, 2, 3, 4, 6], np.int8), "b": np.array([[0, -0.0], [0, 0]], np.float32)}
    save(wrong, sides[CHIP], CHIP)
    assert mismatched_bytes(sides[TPU], sides[CHIP]) == 2


@pytest.mark.parametrize("side", [TPU, CHIP])
def test_a_tensor_without_a_partner_is_an_error(sides: dict[str, Path], side: str) -> None:
    save({"a": np.arange(6, dtype=np.int8)}, sides[side], side)
    with pytest.raises(Incomplete, match="b"):
        mismatched_bytes(sides[TPU], sides[CHIP])
