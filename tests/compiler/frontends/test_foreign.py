"""Which framework a file is of, what belongs to it, and what is said where a framework isn't there."""

import pickle
import zipfile
from pathlib import Path

import pytest

from assets.zoo.record import ROOT
from compiler.frontends.foreign import KINDS, MissingPackages, files_of, holds_pickle, kind_of, package, wanted

FILES = ROOT / "models" / "frontends"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("resnet8.pt2", "pytorch"),
        ("resnet8.pt", "pytorch"),
        ("torch_net.py", "pytorch"),
        ("resnet8.keras", "tensorflow"),
        ("resnet8_int8.tflite", "tflite"),
        ("resnet8.json", "paddle"),
        ("resnet8.onnx", None),
        ("notes.txt", None),
    ],
)
def test_a_file_is_told_by_its_ending(name: str, kind: str | None) -> None:
    assert kind_of(FILES / name) == kind


def test_a_folder_is_a_saved_model_by_what_is_in_it(tmp_path: Path) -> None:
    assert kind_of(tmp_path) is None
    (tmp_path / "variables").mkdir()
    for name in ("saved_model.pb", "variables/variables.index"):
        (tmp_path / name).touch()
    assert kind_of(tmp_path) == "tensorflow"
    assert files_of(tmp_path) == [tmp_path / "saved_model.pb", tmp_path / "variables" / "variables.index"]


def test_json_is_paddles_only_beside_its_weights(tmp_path: Path) -> None:
    graph = tmp_path / "settings.json"
    graph.touch()
    assert kind_of(graph) is None
    assert files_of(graph) == [graph]
    assert files_of(FILES / "resnet8.json") == [FILES / "resnet8.json", FILES / "resnet8.pdiparams"]


def test_torchscript_is_told_from_a_pickle(tmp_path: Path) -> None:
    saved, plain = tmp_path / "saved.pt", tmp_path / "plain.pt"
    plain.write_bytes(pickle.dumps({"weight": 1}))
    with zipfile.ZipFile(saved, "w") as archive:
        archive.writestr("saved/data.pkl", pickle.dumps({"weight": 1}))
    assert [holds_pickle(path) for path in (FILES / "resnet8.pt", saved, plain)] == [False, True, True]


def test_what_is_not_installed_is_said_with_its_extra() -> None:
    with pytest.raises(MissingPackages, match=r"pytorch models need torch and onnxscript.*\.\[pytorch\].*docs/front"):
        package("no_such_package", "pytorch")
    assert "TPUFLOW_PADDLE" in wanted("paddle")
    assert "pip install" not in wanted("paddle")
    assert all(f"'.[{kind}]'" in wanted(kind) for kind in KINDS if kind != "paddle")


def test_every_framework_that_sits_beside_ours_is_an_extra() -> None:
    extras = (ROOT / "pyproject.toml").read_text()
    for kind, held in KINDS.items():
        line = next((line for line in extras.splitlines() if line.startswith(f"{kind} = ")), "")
        assert all(f'"{name}==' in line for name in held.packages) != held.own_python
    locked = (ROOT / "requirements.lock").read_text()
    assert not any(f"\n{name}==" in locked for held in KINDS.values() for name in held.packages)
