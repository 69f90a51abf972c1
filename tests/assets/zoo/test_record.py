"""Records: those committed are right, and a wrong one says where."""

from pathlib import Path

import pytest
import yaml

from assets.zoo import record
from assets.zoo.datasets.catalogue import DATASETS
from assets.zoo.record import BadRecord, UnknownModel
from assets.zoo.zoo import InstalledZoo
from compiler.build.flow import MODES


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(record, "RECORDS", tmp_path)
    monkeypatch.setattr(record, "ROOT", tmp_path)
    return tmp_path


def test_the_zoo_has_its_five_models() -> None:
    assert record.names() == ("lenet_mnist", "ppocr_cls", "resnet50", "resnet8", "squeezenet")


@pytest.mark.parametrize("model", record.names())
def test_a_committed_record_is_complete(model: str) -> None:
    held = record.read(model)
    assert held.calibration.dataset in DATASETS
    assert held.evaluation.dataset in DATASETS
    assert set(InstalledZoo().settings(model).tolerance) == set(MODES)


def test_an_unknown_model_lists_those_there_are() -> None:
    with pytest.raises(UnknownModel, match="no model 'lenett'; there are lenet_mnist, ppocr_cls"):
        record.read("lenett")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("licence", None, "licence"),
        ("inputs", {"x": "wide"}, "inputs.x"),
        ("colour", "red", "colour"),
        ("source", {"kind": "found"}, "'committed', 'package', 'light'"),
        ("calibration", {"dataset": "mnist5k", "samples": 0}, "calibration.samples"),
        ("name", "other", "its name is 'other', its file says 'mine'"),
    ],
)
def test_a_bad_field_is_named_with_its_file(folder: Path, field: str, value: object, said: str) -> None:
    good = yaml.safe_load((Path(__file__).parents[3] / "pipeline" / "zoo" / "lenet_mnist.yaml").read_text())
    (folder / "mine.yaml").write_text(yaml.safe_dump(good | {"name": "mine"} | {field: value}))
    with pytest.raises(BadRecord, match=rf"(?s)mine\.yaml: .*{said}"):
        record.read("mine")


def test_broken_yaml_is_named_with_its_file(folder: Path) -> None:
    (folder / "mine.yaml").write_text("name: [")
    with pytest.raises(BadRecord, match=r"mine\.yaml"):
        record.read("mine")
