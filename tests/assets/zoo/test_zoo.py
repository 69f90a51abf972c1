"""The zoo's files: complete, made once, safe under many hands; and the float nets as good as they are said to be."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import grimp
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from assets.zoo import record
from assets.zoo.record import ROOT
from assets.zoo.zoo import READING, InstalledZoo, makers
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.session import Session
from compiler.metrics.table import metric_named
from tests.assets.zoo.needs import files_of

ASK = "from assets.zoo.zoo import InstalledZoo; print(InstalledZoo().files('squeezenet')['model_file'])"


BANDS = {
    "lenet_mnist": (1000, 0.97, 1),
    "resnet8": (1000, 0.97, 1),
    "resnet8_fashion": (1000, 0.92, 0.95),
    "ppocr_cls": (400, 0.93, 0.98),
    "ppocr_det": (10, 0.9, 0.98),
    "ppocr_rec": (30, 0.8, 1),
    "ddddocr_det": (10, 0.8, 0.95),
    "minilm": (200, 0.65, 0.8),
    "silero_vad": (1600, 0.95, 0.995),
    "g2p": (200, 0.86, 0.93),
    "upscaler": (20, 0.33, 0.39),
    "vowels_gru": (370, 0.95, 0.98),
    "vowels_bilstm": (370, 0.94, 0.98),
    "unet_glyphs": (40, 0.88, 0.94),
}
"""The first samples that are scored here, and what the metric of all is near to."""


def float_metric(model: str, samples: int) -> float:
    """The record's metric of the first samples, by onnxruntime, batch by batch."""
    files, held = files_of(model), record.read(model)
    name = held.evaluation.metric
    assert name is not None
    session = Session(prepare(onnx.load(files["model_file"] / "model.onnx"), held.inputs), threads=1)
    runs = samples // max(extents[0] for extents in session.inputs.values())
    made: list[NDArray[Any]] = []
    with np.load(files["evaluation_data"] / "evaluation.npz") as data:
        arrays = {key: data[key] for key in (*session.inputs, "labels")}
    for run in range(runs):
        feeds = {key: arrays[key][run * n : (run + 1) * n] for key, (n, *_) in session.inputs.items()}
        made.append(metric_named(name).keep(session.run(feeds)[session.outputs[0]]))
    outputs = np.concatenate(made)
    return metric_named(name).score(outputs, arrays["labels"][: len(outputs)])


@pytest.mark.parametrize("model", BANDS)
def test_the_float_metric_is_in_its_band(model: str) -> None:
    samples, least, most = BANDS[model]
    assert least <= float_metric(model, samples) <= most


@pytest.mark.parametrize("model", [*BANDS, "squeezenet"])
def test_data_fit_the_model_and_its_record(model: str) -> None:
    files, held = files_of(model), record.read(model)
    stated = {item.name: item for item in onnx.load(files["model_file"] / "model.onnx").graph.input}
    for name, stem, samples in (
        ("calibration_data", "calibration", held.calibration.samples),
        ("evaluation_data", "evaluation", held.evaluation.samples),
    ):
        batch = max(extents[0] for extents in held.inputs.values())
        with np.load(files[name] / f"{stem}.npz") as arrays:
            for key, extents in held.inputs.items():
                assert arrays[key].shape == (samples // batch * extents[0], *extents[1:])
                kind = stated[key].type.tensor_type.elem_type
                assert arrays[key].dtype == onnx.helper.tensor_dtype_to_np_dtype(kind)
            if held.preprocessing.raw:
                assert arrays[f"{held.image_input}_raw"].dtype == held.preprocessing.raw.dtype
                assert len(arrays[f"{held.image_input}_raw"]) == samples


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
