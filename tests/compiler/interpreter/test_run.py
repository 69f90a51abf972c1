from __future__ import annotations

import weakref
from pathlib import Path

import numpy as np
import pytest
from xdsl.ir import SSAValue

from compiler.dialects.quant import Quant
from compiler.dialects.structure import Structure
from compiler.dialects.top import ops as top
from compiler.dialects.tpu.ops import Tpu
from compiler.interpreter.results import results
from compiler.interpreter.run import UnfitInput, run
from compiler.ir import files
from compiler.ir.network import Array, Network, name_of
from compiler.lowering.walk import lower
from compiler.npz import write_npz
from compiler.quantization import balance
from compiler.results import Meaning, Results
from compiler.stages import tpu_mlir, tpu_results
from tests.compiler.lowering.networks import Builder, calibrate


def softmax(mode: str) -> Network:
    """X → Relu → Softmax."""
    b = Builder()
    network = b.network(b.op(top.SoftmaxOp, b.op(top.ReluOp, b.input("x", 1, 4))))
    calibrate(network, {"x": np.array([-127.0, 1.0]), "t0": np.array([0.0, 255.0]), "t1": np.array([0.0, 1.0])}, {})
    lower(network, mode)
    return network


X = np.array([[-3.0, 0.0, 2.5, 1.0]], np.float32)


def test_tensors_are_visited_in_order_and_freed_after_their_last_use() -> None:
    network, seen = softmax("f32"), dict[str, weakref.ref[Array]]()
    alive = dict[str, list[str]]()

    def visit(value: SSAValue, array: Array) -> None:
        alive[name_of(value)] = [name for name, held in seen.items() if held() is not None]
        seen[name_of(value)] = weakref.ref(array)

    returned = run(network, {"x": X}, visit)
    assert returned.keys() == {"t1"}
    assert list(seen) == ["x", "t0", "t1_in", "t1_max", "t1_exp", "t1_sum", "t1_div", "t1"]
    assert alive["t1_exp"] == ["t1_in", "t1_max"]
    assert alive["t1_div"] == ["t1_exp", "t1_sum"]


def test_results_say_what_they_mean() -> None:
    """What only a softmax reads isn't requantised: it goes from int8 to f32 at once."""
    made = results(softmax("int8"), {"x": X})
    assert made.meanings["x"] == Meaning("int8", 1.0)
    assert made.meanings["x_f32"] == Meaning("float32", internal=True)
    assert made.meanings["t0"] == Meaning("float32")
    assert made.meanings["t1"] == Meaning("float32")
    assert made.arrays["x"].tolist() == [[-3, 0, 2, 1]]
    assert made.real("t0").tolist() == [[0, 0, 2, 1]]


@pytest.mark.parametrize("read_twice", [False, True])
def test_results_say_what_tables_alone_read(read_twice: bool) -> None:
    b = Builder()
    product = b.op(top.MatMulOp, b.input("x", 1, 4), b.weight(np.arange(12).reshape(4, 3)), b.none())
    swish = b.op(top.HardSwishOp, product)
    network = b.network(b.op(top.AddOp, [product, swish]) if read_twice else swish)
    calibrate(network, {name: np.array([-9.0, 9.0]) for name in ("x", "t0", "t1", "t2")}, {})
    lower(network, "int8")
    meanings = results(network, {"x": X}).meanings
    assert [name for name, meaning in meanings.items() if meaning.tabled] == ([] if read_twice else ["t0"])


@pytest.mark.parametrize("feeds", [{}, {"y": X}])
def test_an_absent_input_is_named(feeds: dict[str, Array]) -> None:
    with pytest.raises(UnfitInput, match="no input 'x'"):
        run(softmax("f32"), feeds, lambda op, array: None)


def test_an_input_of_another_shape_is_named() -> None:
    with pytest.raises(UnfitInput, match=r"input 'x' is \(1, 3\), the network takes \(1, 4\)"):
        run(softmax("f32"), {"x": X[:, :3]}, lambda op, array: None)


def test_a_network_that_is_not_lowered_is_refused() -> None:
    b = Builder()
    with pytest.raises(TypeError, match=r"top\.Relu at 't0' isn't a Tpu op"):
        run(b.network(b.op(top.ReluOp, b.input("x", 1, 4))), {"x": X}, lambda op, array: None)


@pytest.mark.parametrize("mode", ["f32", "bf16", "int8"])
def test_the_stages(mode: str, tmp_path: Path) -> None:
    b = Builder()
    right = b.weight(np.arange(12).reshape(4, 3))
    network = b.network(b.op(top.MatMulOp, b.input("x", 1, 4), right, b.none()))
    files.save(network, tmp_path, "canonical")
    calibrate(network, {"x": np.array([-127.0, 127.0]), "t0": np.array([0.0, 255.0])}, {})
    files.save_text(network, tmp_path, "cali", "canonical_weights.npz")
    balance.save(tmp_path / "balance.npz", {})
    write_npz(tmp_path / "evaluation.npz", {"x": np.concatenate([X, X + 1])})
    metadata = tpu_mlir.run({"canonical_mlir": tmp_path, "cali_mlir": tmp_path}, {"mode": mode}, tmp_path)
    assert (metadata["ops"], metadata["internal"], metadata["casts"]) == (1, 0, 0)
    read = files.load(tmp_path, "tpu", Structure, Tpu, Quant)
    tpu_results.run({"tpu_mlir": tmp_path, "evaluation_data": tmp_path}, {}, tmp_path)
    saved = Results.load(tmp_path, "tpu_results")
    assert saved.arrays["t0"].tobytes() == results(read, {"x": X}).arrays["t0"].tobytes()
    np.testing.assert_allclose(saved.real("t0"), X @ np.arange(12).reshape(4, 3), atol=8 if mode == "int8" else 0)
