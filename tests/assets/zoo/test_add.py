"""A record written by looking: complete, readable, right about what it guessed, and nobody's file overwritten."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml

from assets.zoo import record
from assets.zoo.add import NotAdded, Wishes, add
from assets.zoo.examine import examine
from assets.zoo.origins import OwnModel
from assets.zoo.template import quoted
from compiler.feeds import BadData
from compiler.npz import write_npz
from tests.assets.zoo import nets


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TPUFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TPUFLOW_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def saved(folder: Path, model: onnx.ModelProto, name: str = "net.onnx") -> Path:
    path = folder.parent / name
    onnx.save_model(model, path)
    return path


@pytest.mark.parametrize("name", ["lenet_mnist", "resnet8"])
def test_a_committed_model_under_another_name(folder: Path, name: str) -> None:
    made = add(record.ROOT / "models" / f"{name}.onnx", folder, Wishes("mine", licence="MIT: ours, #1"))
    held = examine(made.path)
    assert isinstance(held.source, OwnModel)
    assert held.source.file.read_bytes() == (record.ROOT / "models" / f"{name}.onnx").read_bytes()
    assert (held.inputs, held.licence) == ({"x": (1, 1, 28, 28)}, "MIT: ours, #1")
    assert held.calibration.dataset == held.evaluation.dataset == "seeded_images"
    assert held.targets == ("x64-int8",)
    assert f"{made.look.macs:,} MACs" in made.path.read_text()
    assert "mine" in record.names()


@pytest.mark.parametrize(
    ("model", "shapes", "dataset"),
    [
        (nets.two_inputs(), {}, "seeded_normal"),
        (nets.dense(("batch", 8)), {}, "seeded_normal"),
        (nets.dense(("batch", "length", 8)), {"x": (1, 5, 8)}, "seeded_normal"),
        (nets.dense((64, 8)), {}, "seeded_normal"),
    ],
)
def test_what_is_made_can_be_built_from(
    folder: Path, model: onnx.ModelProto, shapes: dict[str, tuple[int, ...]], dataset: str
) -> None:
    held = examine(add(saved(folder, model), folder, Wishes(shapes=shapes)).path)
    assert held.calibration.dataset == dataset
    assert held.calibration.samples >= max(extents[0] for extents in held.inputs.values())


def test_what_was_dynamic_is_said(folder: Path) -> None:
    text = add(saved(folder, nets.dense(("n", "length", 8))), folder, Wishes(shapes={"x": (1, 5, 8)})).path.read_text()
    assert "x: [1, 5, 8]  # dynamic in the model: n = 1, length = 5 (the batch)" in text


def test_own_data_are_copied_counted_and_labelled(folder: Path) -> None:
    data = folder.parent / "data.npz"
    write_npz(data, {"x": np.zeros((7, 8), np.float32), "labels": np.zeros(7, np.int64)})
    held = examine(add(saved(folder, nets.dense()), folder, Wishes(evaluation=data)).path)
    assert held.evaluation.file == folder / "net.evaluation.npz"
    assert (held.calibration.samples, held.evaluation.samples, held.evaluation.metric) == (7, 7, "top1")
    assert held.evaluation.tolerance["int8"]["accuracy_drop"] > 0
    assert held.calibration.file is not None
    assert held.calibration.file.read_bytes() == data.read_bytes()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"y": (7, 8)}, "has no data for input x; it has y"),
        ({"x": (7, 9)}, r"array 'x' is \[7, 9\]; input 'x' takes \[samples, 8\]"),
    ],
)
def test_data_that_do_not_fit_are_refused_before_anything_is_written(
    folder: Path, arrays: dict[str, tuple[int, ...]], said: str
) -> None:
    data = folder.parent / "data.npz"
    write_npz(data, {name: np.zeros(shape) for name, shape in arrays.items()})
    with pytest.raises((BadData, NotAdded), match=said):
        add(saved(folder, nets.dense()), folder, Wishes(calibration=data))
    assert not folder.exists()


def test_too_few_samples_for_a_batch(folder: Path) -> None:
    data = folder.parent / "data.npz"
    write_npz(data, {"x": np.zeros((7, 8))})
    with pytest.raises(NotAdded, match=r"7 samples .* takes 64 at a time"):
        add(saved(folder, nets.dense((64, 8))), folder, Wishes(calibration=data))


def test_external_data_come_along_in_a_folder_of_their_own(folder: Path) -> None:
    path = nets.save_external(folder.parent)
    for name in ("one", "two"):
        held = examine(add(path, folder, Wishes(name)).path)
        assert isinstance(held.source, OwnModel)
        assert held.source.file == folder / name / f"{name}.onnx"
        assert (folder / name / "net.data").read_bytes() == path.with_name("net.data").read_bytes()


def test_a_file_in_the_folder_is_named_and_not_copied(folder: Path) -> None:
    folder.mkdir()
    path = saved(folder, nets.dense(), "models/some.net.onnx")
    held = examine(add(path, folder, Wishes("mine")).path)
    assert isinstance(held.source, OwnModel)
    assert held.source.file == path
    assert {file.name for file in folder.iterdir()} == {"mine.yaml", "some.net.onnx"}


def test_nothing_is_overwritten_without_force(folder: Path) -> None:
    path = saved(folder, nets.dense())
    made = add(path, folder, Wishes()).path
    before = made.read_text(), (folder / "net.onnx").read_bytes()
    onnx.save_model(nets.two_inputs(), path)
    with pytest.raises(NotAdded, match=r"net\.yaml is there already; .* --force"):
        add(path, folder, Wishes())
    made.unlink()
    with pytest.raises(NotAdded, match=r"net\.onnx is there already"):
        add(path, folder, Wishes())
    assert (folder / "net.onnx").read_bytes() == before[1]
    add(path, folder, Wishes(force=True))
    assert set(examine(made).inputs) == {"a", "b"}
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize(
    ("name", "said"),
    [("my net", "can't name a model"), ("resnet50", "the repository has a model 'resnet50'"), ("../x", "can't name")],
)
def test_names_that_cannot_be(folder: Path, name: str, said: str) -> None:
    with pytest.raises(NotAdded, match=f"{said}.*--name"):
        add(saved(folder, nets.dense()), folder, Wishes(name))


@pytest.mark.parametrize(
    "text", ["x", "gpu_0/data_0", "on", "12", "a: b", "#", "", "ü", "a\nb", "input.1", "null", "~"]
)
def test_any_text_is_read_back(text: str) -> None:
    load: Any = yaml.safe_load
    assert load(f"{quoted(text)}: {quoted(text)}") == {text: text}
