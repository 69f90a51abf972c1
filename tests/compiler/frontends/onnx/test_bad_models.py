"""What comes in broken is named, with the mend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from xdsl.dialects.builtin import StringAttr

from compiler import opt
from compiler.dialects.host import HostOp
from compiler.dialects.structure import InputOp
from compiler.frontends.onnx.errors import (
    DamagedModel,
    MissingExternalData,
    UnboundDimension,
    UnsupportedModel,
    WrongShape,
)
from compiler.frontends.onnx.load import load
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.to_top.read import read
from compiler.ir.network import name_of
from compiler.passes.network_pass import PassError
from tests.compiler.frontends.onnx.graphs import Graph


def conv_net() -> Graph:
    g = Graph((1, 2, 6, 6))
    g.add("Conv", g.top, g.normal(4, 2, 3, 3), dims=(1, 4, 4, 4))
    g.add("Relu")
    return g


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08"], ids=["empty", "text", "no graph"])
def test_a_file_that_is_no_model(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DamagedModel, match=r"model\.onnx .*export it again"):
        load(written(tmp_path, content))


@pytest.mark.parametrize("part", [0.3, 0.9, 0.999])
def test_a_file_cut_short(tmp_path: Path, part: float) -> None:
    whole = conv_net().model().SerializeToString()
    with pytest.raises(DamagedModel, match=r"model\.onnx .*export it again"):
        load(written(tmp_path, whole[: int(part * len(whole))]))


def test_a_graph_that_reads_a_tensor_nobody_makes(tmp_path: Path) -> None:
    model = conv_net().model()
    model.graph.node[1].input[0] = "nowhere"
    with pytest.raises(DamagedModel, match="nowhere"):
        load(written(tmp_path, model.SerializeToString()))


def test_a_convolution_whose_filter_does_not_fit() -> None:
    g = Graph((1, 2, 6, 6))
    g.add("Conv", g.top, g.normal(4, 3, 3, 3), dims=(1, 4, 4, 4))
    network = read(prepare(g.model(), {}), "bad")
    with pytest.raises(PassError, match=r"shape-infer: top\.Conv at 't0_Conv': 1 groups of a \(4, 3, 3, 3\) filter"):
        opt.run(network, opt.passes("shape-infer"))


def with_external_data(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    onnx.save_model(conv_net().model(), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path


def test_external_data_is_read_and_kept_inside(tmp_path: Path) -> None:
    model = load(with_external_data(tmp_path))
    (tmp_path / "weights.bin").unlink()
    (kept,) = prepare(model, {}).graph.initializer
    (given,) = conv_net().model().graph.initializer
    assert np.array_equal(numpy_helper.to_array(kept), numpy_helper.to_array(given))


def test_an_external_file_that_is_not_there(tmp_path: Path) -> None:
    path = with_external_data(tmp_path)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(MissingExternalData, match=r"'k0' lies in 'weights\.bin', .*put it beside the model"):
        load(path)


def test_an_external_file_that_ends_too_early(tmp_path: Path) -> None:
    path = with_external_data(tmp_path)
    (tmp_path / "weights.bin").write_bytes(b"1234")
    with pytest.raises(MissingExternalData, match=r"ends at byte 288 of 'weights\.bin', which has 4"):
        load(path)


def dynamic() -> onnx.ModelProto:
    model = conv_net().model()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    return model


def test_a_dimension_without_a_value_is_named_with_its_mend() -> None:
    with pytest.raises(
        UnboundDimension, match=r"'x' .*dimension 0 \(batch\) of \[batch, 2, 6, 6\].* x: \[1, 2, 6, 6\]"
    ):
        prepare(dynamic(), {})


def test_a_bound_dimension_goes_everywhere() -> None:
    model = prepare(dynamic(), {"x": [3, 2, 6, 6]})
    assert [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim] == [3, 4, 4, 4]


@pytest.mark.parametrize("shape", [[1, 2, 6, 7], [1, 2, 6], [0, 2, 6, 6], [-1, 2, 6, 6]])
def test_a_shape_that_does_not_fit(shape: list[int]) -> None:
    with pytest.raises(WrongShape, match=r"'x' is \[batch, 2, 6, 6\].*doesn't fit"):
        prepare(dynamic(), {"x": shape})


def test_a_shape_for_an_input_that_is_not_there() -> None:
    with pytest.raises(WrongShape, match="given for image; the model's inputs are x"):
        prepare(dynamic(), {"image": [1, 2, 6, 6]})


def test_all_unsupported_nodes_are_listed_at_once() -> None:
    g = conv_net()
    for name, op in (("gelu7", "Conv"), ("fused", "Reluu")):
        g.nodes.append(helper.make_node(op, [g.top], [name], name, domain="com.example"))
    model = g.model()
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    with pytest.raises(UnsupportedModel) as caught:
        read(prepare(model, {}), "bad")
    assert [problem[:2] for problem in caught.value.problems] == [("gelu7", "Conv"), ("fused", "Reluu")]
    message = str(caught.value)
    assert message.startswith("2 nodes aren't supported:\n  Conv 'gelu7': it is of domain 'com.example'")
    assert "nor does the host run it" in message
    assert "ONNX's own Conv is understood" in message
    assert "the nearest of ONNX's ops are Relu and " in message


def test_what_no_op_stands_for_is_set_aside_for_the_host_with_the_reason() -> None:
    g = conv_net()
    g.nodes.append(helper.make_node("Unique", [g.top], ["u", "first"]))
    model = g.model()
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in ("u", "first"))
    network = read(prepare(model, {}), "aside")
    (aside,) = (op for op in network.ops if isinstance(op, HostOp))
    assert (aside.kind.data, len(aside.outputs)) == ("Unique", 2)
    assert [str(value.type) for value in aside.outputs] == ["tensor<?xf32>", "tensor<?xsi64>"]
    assert [name_of(value) for value in aside.outputs] == ["u_Unique", "first_Unique"]


def test_what_depends_on_an_unknown_op_is_not_listed_with_it() -> None:
    g = conv_net()
    g.nodes.append(helper.make_node("Conv", [g.top], ["y"], "gelu7", domain="com.example"))
    g.add("Softmax", "y", axis=1)
    g.add("LRN", size=3)
    model = g.model()
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    with pytest.raises(UnsupportedModel) as caught:
        read(prepare(model, {}), "bad")
    assert [problem[:2] for problem in caught.value.problems] == [("gelu7", "Conv")]


def test_an_input_keeps_its_own_type() -> None:
    model = conv_net().model()
    model.graph.input.append(helper.make_tensor_value_info("ids", TensorProto.INT64, [1, 4]))
    model.graph.input.append(helper.make_tensor_value_info("half", TensorProto.FLOAT16, [1, 4]))
    entries = {name_of(op): op for op in read(prepare(model, {}), "typed").ops if isinstance(op, InputOp)}
    assert str(entries["ids"].output.type) == "tensor<1x4xsi64>"
    assert str(entries["half"].output.type) == "tensor<1x4xf32>"
    assert entries["half"].declared == StringAttr("float16")
