"""What a model says of itself, and what makes it unfit."""

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

import onnx
import pytest

from assets.zoo.light import FOLDER
from assets.zoo.look import look
from assets.zoo.record import ROOT
from compiler.frontends.onnx.errors import (
    DamagedModel,
    MissingExternalData,
    UnboundDimension,
    UnsupportedModel,
    WrongShape,
)
from tests.assets.zoo import nets


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "net.onnx"


def counted(model: onnx.ModelProto) -> int:
    """Multiplications of convolutions and dense layers, from ONNX's own shape inference."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    weights = {item.name: tuple(item.dims) for item in graph.initializer}
    stated = (*graph.value_info, *graph.output)
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in stated}
    layers = [node for node in graph.node if node.op_type in ("Conv", "Gemm")]
    return sum(
        prod(shapes[node.output[0]]) * prod(weights[node.input[1]]) // weights[node.input[1]][0] for node in layers
    )


@pytest.mark.parametrize("model", ["lenet_mnist", "resnet8"])
def test_committed_models(model: str) -> None:
    path = ROOT / "models" / f"{model}.onnx"
    seen = look(path)
    assert seen.inputs == {"x": (1, 1, 28, 28)}
    assert seen.macs == counted(onnx.load_model(path))


def test_multiplications_are_counted_by_hand_on_the_dense_net(path: Path) -> None:
    onnx.save_model(nets.dense((3, 8)), path)
    assert (look(path).macs, look(path).parameters, look(path).nodes) == (3 * 8 * 4, 8 * 4, 2)


def test_a_dynamic_batch_is_one_and_said_to_be_dynamic(path: Path) -> None:
    onnx.save_model(nets.dense(("batch", 8)), path)
    assert look(path).inputs == {"x": (1, 8)}
    assert look(path).stated == {"x": ["batch", 8]}
    assert look(path, {"x": (4, 8)}).inputs == {"x": (4, 8)}


def test_several_inputs(path: Path) -> None:
    onnx.save_model(nets.two_inputs(), path)
    assert look(path).inputs == {"a": (1, 4, 6, 6), "b": (1, 4, 1, 1)}


def test_another_dynamic_extent_has_to_be_given(path: Path) -> None:
    onnx.save_model(nets.dense((None, "length", 8)), path)
    with pytest.raises(UnboundDimension, match=r"x \[\?, length, 8\]; give them, such as --input x=1,128,8$"):
        look(path)
    assert look(path, {"x": (1, 5, 8)}).inputs == {"x": (1, 5, 8)}


@pytest.mark.parametrize(
    ("shapes", "said"),
    [({"y": (1, 8)}, "the model's inputs are x"), ({"x": (1, 9)}, r"'x' is \[1, 8\]; \[1, 9\] doesn't fit")],
)
def test_shapes_that_do_not_fit(path: Path, shapes: Mapping[str, Sequence[int]], said: str) -> None:
    onnx.save_model(nets.dense(), path)
    with pytest.raises(WrongShape, match=said):
        look(path, shapes)


def test_a_node_that_nobody_runs_is_named(path: Path) -> None:
    model = nets.two_inputs()
    model.graph.node[0].domain = "nobody.knows"
    model.opset_import.append(onnx.helper.make_opsetid("nobody.knows", 1))
    onnx.save_model(model, path)
    with pytest.raises(UnsupportedModel) as raised:
        look(path)
    assert [(name, kind) for name, kind, _ in raised.value.problems] == [("sum", "Add")]


def test_an_input_may_hold_integers(path: Path) -> None:
    onnx.save_model(nets.embedding(), path)
    assert look(path).inputs == {"x": (1, 5)}


def test_nothing_to_feed(path: Path) -> None:
    onnx.save_model(nets.no_inputs(), path)
    with pytest.raises(DamagedModel, match=r"net\.onnx has no inputs"):
        look(path)


def test_an_input_without_extents(path: Path) -> None:
    model = nets.dense()
    del model.graph.input[0].type.tensor_type.shape.dim[:]
    del model.graph.node[0]
    model.graph.node[0].input[0] = "x"
    onnx.save_model(model, path)
    with pytest.raises(UnboundDimension, match="input 'x' has no extents"):
        look(path)


def test_a_file_that_was_cut_short(path: Path) -> None:
    path.write_bytes(nets.dense().SerializeToString()[:-7])
    with pytest.raises(DamagedModel, match=r"net\.onnx"):
        look(path)


def test_external_data_are_read_and_missed(path: Path) -> None:
    nets.save_external(path.parent)
    assert look(path).parameters == 32
    path.with_name("net.data").unlink()
    with pytest.raises(MissingExternalData, match=r"net\.data"):
        look(path)


def test_a_model_that_nobody_prepared() -> None:
    seen = look(FOLDER / "light_densenet121.onnx")
    assert list(seen.inputs.values()) == [(1, 3, 224, 224)]
    assert seen.macs > 1e9
