"""The zoo's files: complete, made once, safe under many hands; and the float nets as good as they are said to be."""

import subprocess
import sys
from pathlib import Path

import grimp
import numpy as np
import onnx
import onnxruntime as ort
import pytest

from assets.zoo import record
from assets.zoo.record import ROOT
from assets.zoo.zoo import READING, InstalledZoo, makers
from tests.assets.zoo.needs import files_of
from tests.assets.zoo.onnx_run import outputs

ASK = "from assets.zoo.zoo import InstalledZoo; print(InstalledZoo().files('squeezenet')['model_file'])"


def float_top1(model: str) -> float:
    files = files_of(model)
    session = ort.InferenceSession(files["model_file"] / "model.onnx")
    fed = record.read(model).image_input
    with np.load(files["evaluation_data"] / "evaluation.npz") as held:
        images, labels = held[fed], held["labels"]
    hits = [int(outputs(session, None, {fed: x[None]})[0].argmax()) == y for x, y in zip(images, labels, strict=True)]
    return sum(hits) / len(hits)


@pytest.mark.parametrize(
    ("model", "least", "most"), [("lenet_mnist", 0.97, 1), ("resnet8", 0.97, 1), ("ppocr_cls", 0.93, 0.98)]
)
def test_float_accuracy_is_in_its_band(model: str, least: float, most: float) -> None:
    assert least <= float_top1(model) <= most


@pytest.mark.parametrize("model", ["lenet_mnist", "resnet8", "ppocr_cls", "squeezenet"])
def test_data_fit_the_model_and_its_record(model: str) -> None:
    files, held = files_of(model), record.read(model)
    shape = held.inputs[held.image_input][1:]
    for name, stem, samples in (
        ("calibration_data", "calibration", held.calibration.samples),
        ("evaluation_data", "evaluation", held.evaluation.samples),
    ):
        with np.load(files[name] / f"{stem}.npz") as arrays:
            assert arrays[held.image_input].shape == (samples, *shape)
            assert arrays[held.image_input].dtype == np.float32
    graph = onnx.load(files["model_file"] / "model.onnx").graph
    assert held.image_input in [item.name for item in graph.input]


def test_resnet8_leaves_batch_normalisation_to_the_compiler() -> None:
    nodes = onnx.load(ROOT / "models" / "resnet8.onnx").graph.node
    assert sum(node.op_type == "BatchNormalization" for node in nodes) == 9


def test_processes_that_ask_at_once_get_one_whole_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPUFLOW_CACHE", str(tmp_path))
    asked = [subprocess.Popen([sys.executable, "-c", ASK], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in "abc"]
    told = {process.communicate()[0].strip() for process in asked}
    assert len(told) == 1
    assert [path.name for path in (tmp_path / "zoo").iterdir()] == [Path(told.pop()).parent.name]


def test_files_are_present_once_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPUFLOW_CACHE", str(tmp_path))
    zoo = InstalledZoo()
    assert not zoo.present("squeezenet")
    assert not (tmp_path / "zoo").exists()
    zoo.files("squeezenet")
    assert zoo.present("squeezenet")


@pytest.mark.parametrize("model", record.committed())
def test_makers_are_all_the_code_of_this_package_that_makes_a_models_files(model: str) -> None:
    held = record.read(model)
    graph = grimp.build_graph("assets", cache_dir=None)
    own = {module for module in makers(held) if module.split(".")[2] in ("datasets", "builders")}
    catalogues = {"assets.zoo.datasets.catalogue", "assets.zoo.builders.catalogue"}
    for module in graph.modules & own:
        assert graph.find_upstream_modules(module) - READING <= set(makers(held))
    direct = graph.find_modules_directly_imported_by("assets.zoo.make") - READING - catalogues
    assert {name for name in direct if name.startswith("assets.zoo.")} <= set(makers(held))
    assert {name for name in makers(held) if name.startswith("assets.zoo.datasets.") and "samples" not in name}


def test_an_edited_record_makes_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPUFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(record, "RECORDS", tmp_path)
    text = (ROOT / "pipeline" / "zoo" / "squeezenet.yaml").read_text()
    made: list[Path] = []
    for samples in (4, 5):
        (tmp_path / "squeezenet.yaml").write_text(text.replace("samples: 4", f"samples: {samples}"))
        made.append(InstalledZoo().files("squeezenet")["evaluation_data"])
    assert made[0] != made[1]
    with np.load(made[1] / "evaluation.npz") as held:
        assert len(held["data_0"]) == 5


def test_an_edit_of_what_decides_no_file_keeps_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPUFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(record, "RECORDS", tmp_path)
    text = (ROOT / "pipeline" / "zoo" / "squeezenet.yaml").read_text()
    (tmp_path / "squeezenet.yaml").write_text(text)
    InstalledZoo().files("squeezenet")
    (tmp_path / "squeezenet.yaml").write_text(text.replace("method: max", "method: kl").replace("0.9999", "0.99"))
    assert InstalledZoo().settings("squeezenet").calibration["method"] == "kl"
    assert InstalledZoo().present("squeezenet")
