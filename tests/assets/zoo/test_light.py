"""The onnx package's topologies with drawn weights."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from assets.zoo.datasets.seeded_images import samples
from assets.zoo.light import FOLDER, refilled
from assets.zoo.origins import Light
from assets.zoo.packages import PackageUnavailable, sha256
from assets.zoo.record import read
from tests.assets.zoo.onnx_run import outputs


def made(model: str) -> onnx.ModelProto:
    source = read(model).source
    assert isinstance(source, Light)
    return refilled(source.file, source.sha256, source.seed)


def test_the_same_seed_makes_the_same_bytes() -> None:
    first, second = (made("squeezenet").SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("model", ["squeezenet", "resnet50"])
def test_every_weight_is_an_initializer_and_only_the_image_is_fed(model: str) -> None:
    graph = made(model).graph
    assert "ConstantOfShape" not in {node.op_type for node in graph.node}
    assert [item.name for item in graph.input] == list(read(model).inputs)


@pytest.mark.parametrize("file", ["light_densenet121.onnx", "light_inception_v2.onnx"])
def test_a_parameter_behind_a_view_is_drawn_too(file: str) -> None:
    graph = refilled(file, sha256(FOLDER / file), 1).graph
    assert "Unsqueeze" in {node.op_type for node in graph.node}
    assert "ConstantOfShape" not in {node.op_type for node in graph.node}
    assert [item.name for item in graph.input] == ["data_0"]


def test_activations_neither_fade_nor_blow_up() -> None:
    net = made("squeezenet")
    relus = [node.output[0] for node in net.graph.node if node.op_type == "Relu"]
    net.graph.output.extend(onnx.ValueInfoProto(name=name) for name in relus)
    session = ort.InferenceSession(net.SerializeToString())
    image = np.asarray(samples("evaluation", 1, (3, 224, 224)).pixels) / 127.5 - 1
    spreads = [float(np.std(array)) for array in outputs(session, relus, {"data_0": image})]
    assert 0.3 < min(spreads) <= max(spreads) < 5


def test_another_file_of_that_name_is_refused() -> None:
    with pytest.raises(PackageUnavailable, match=r"has no light_squeezenet\.onnx with SHA-256 00"):
        refilled("light_squeezenet.onnx", "00", 1)
