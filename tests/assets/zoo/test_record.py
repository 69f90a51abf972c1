"""Records: those committed are right, and a wrong one says where."""

import os
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from assets.zoo import record
from assets.zoo.datasets.catalogue import check
from assets.zoo.fields import Bound, Mode
from assets.zoo.record import BadRecord, UnknownModel
from assets.zoo.zoo import InstalledZoo
from compiler import comparison
from compiler.build.flow import MODES

LENET = yaml.safe_load((record.RECORDS / "lenet_mnist.yaml").read_text())
INT8 = {"int8": {"cosine": 0.9, "accuracy_drop": 0.1}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(record, "RECORDS", tmp_path)
    monkeypatch.setattr(record, "ROOT", tmp_path)
    return tmp_path


def test_the_zoo_has_a_model_of_every_kind_and_keeps_optional_ones_back() -> None:
    kinds = {"lenet_mnist", "resnet8", "ddddocr_det", "ppocr_det", "ppocr_rec", "ppocr_cls", "minilm", "silero_vad"}
    assert kinds | {"g2p", "upscaler", "vowels_gru", "vowels_bilstm", "unet_glyphs"} <= set(record.names())
    topologies = ["bert_base", "minilm_s128", "mobilenetv2", "yolov8n"]
    assert record.optional() == sorted(["efficientnet_lite0", *topologies])
    assert "efficientnet_lite0" not in record.names()
    assert record.read("efficientnet_lite0").licence.startswith("unstated")


@pytest.mark.parametrize("model", record.committed())
def test_a_committed_record_is_complete(model: str) -> None:
    held = record.read(model)
    for part in (held.calibration, held.evaluation):
        check(str(part.dataset))
    assert set(InstalledZoo().settings(model).tolerance) == set(MODES)


def test_an_unknown_model_lists_those_there_are() -> None:
    with pytest.raises(UnknownModel, match="no model 'lenett'; there are ddddocr_det, g2p"):
        record.read("lenett")


def write(folder: Path, **instead: Any) -> None:
    """The record of `mine`: lenet's with other fields."""
    (folder / "mine.yaml").write_text(yaml.safe_dump(LENET | {"name": "mine"} | instead, sort_keys=False))


def test_modes_and_bounds_are_those_of_the_flow() -> None:
    assert get_args(Mode) == MODES
    assert set(get_args(Bound)) == {*comparison.AT_LEAST, *comparison.AT_MOST, *comparison.OF_ACCURACY}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("licence", None, "licence: input should be a valid string"),
        ("inputs", {"x": "wide"}, "inputs.x"),
        ("inputs", {"x": [1, 0]}, "inputs.x.1: input should be greater than 0"),
        ("inputs", {}, "inputs: dictionary should have at least 1 item"),
        ("colour", "red", "colour: there is no such field; there are name, source"),
        ("qtables", {}, "qtables: there is no such field; did you mean qtable?"),
        ("source", {"kind": "found"}, "'committed', 'file', 'pytorch'"),
        ("calibration", {"dataset": "mnist5k", "samples": 0}, "calibration.samples"),
        ("calibration", {"dataset": "mnist5k", "sample": 9}, "calibration.sample: .*did you mean samples?"),
        ("calibration", {"samples": 9}, "calibration: give either dataset, a name, or file"),
        ("calibration", {"file": "../../etc/x.npz", "samples": 9}, "calibration.file: .*outside the record's folder"),
        ("calibration", {"file": "x.npz", "samples": 9}, "calibration.file: there is no file x.npz in"),
        ("source", {"kind": "file", "file": "/etc/passwd"}, "source.file: /etc/passwd lies outside"),
        ("source", {"kind": "file", "file": "away.onnx"}, "source.file: away.onnx lies outside"),
        ("inputs", {"x": [128, 3]}, "calibration.samples has to be 128 at least"),
        ("evaluation", {"dataset": "mnist5k", "samples": 9, "tolerance": {}}, "evaluation: tolerance needs int8"),
        (
            "evaluation",
            {"dataset": "mnist5k", "samples": 9, "metric": "top1", "tolerance": {"int8": {"cosine": 0.9}}},
            "evaluation: tolerance of int8 needs accuracy_drop",
        ),
        (
            "evaluation",
            {"dataset": "mnist5k", "samples": 9, "metric": "map", "tolerance": INT8},
            "evaluation.metric: no metric 'map'; there are top1",
        ),
        (
            "qtable",
            {"a_Conv": "INT4"},
            r"qtable.a_Conv: 'INT4' is neither a number format \(F32, BF16, F16, W8F16, INT8\)",
        ),
        ("qtable", {"a_Conv": -1.0}, "qtable.a_Conv: -1.0 is neither"),
        ("qtable", {"a_Conv": True}, "qtable.a_Conv: True is neither"),
        ("preprocessing", {"mean": [0.5, 0.5, 0.5]}, "preprocessing.mean needs one number, or 1"),
        ("preprocessing", {"std": [0]}, "preprocessing.std.0: input should be greater than 0"),
        ("schedule", {"effort": 4}, "schedule.effort"),
        ("targets", ["x64-int9"], "targets.0: no target 'x64-int9'; there are x64-f32"),
        ("name", "other", "name: the name is 'other', that of the file says 'mine'"),
        ("name", "a|b", r"name: 'a\|b' can't name a model"),
    ],
)
def test_a_bad_field_is_named_with_file_and_line(folder: Path, field: str, value: object, said: str) -> None:
    os.symlink("/etc/passwd", folder / "away.onnx")
    write(folder, **{field: value})
    with pytest.raises(BadRecord, match=rf"mine\.yaml:\d+: .*{said}"):
        record.read("mine")


def test_each_wrong_field_has_a_line_of_its_own(folder: Path) -> None:
    write(folder, licence=3, schedule={"effort": 9})
    with pytest.raises(BadRecord) as raised:
        record.read("mine")
    text = (folder / "mine.yaml").read_text().splitlines()
    at = {field: next(i for i, line in enumerate(text, 1) if f"{field}:" in line) for field in ("licence", "effort")}
    assert [line.split(": ")[0] for line in str(raised.value).splitlines()] == [
        f"{folder / 'mine.yaml'}:{at['licence']}",
        f"{folder / 'mine.yaml'}:{at['effort']}",
    ]


def test_broken_yaml_is_named_with_its_line(folder: Path) -> None:
    (folder / "mine.yaml").write_text("name: mine\nsource: [")
    with pytest.raises(BadRecord, match=r"mine\.yaml:3: this isn't YAML"):
        record.read("mine")


def test_what_is_no_text_is_named(folder: Path) -> None:
    (folder / "mine.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadRecord, match=r"mine\.yaml: this isn't text"):
        record.read("mine")


def test_an_edit_is_seen(folder: Path) -> None:
    write(folder)
    assert record.read("mine").schedule.effort == 2
    write(folder, schedule={"effort": 3})
    assert InstalledZoo().settings("mine").effort == 3


def test_a_mode_that_is_left_out_has_the_bounds_of_int8(folder: Path) -> None:
    tolerance = {"f32": {"cosine": 0.999, "accuracy_drop": 0.01}, **INT8}
    write(folder, evaluation=LENET["evaluation"] | {"tolerance": tolerance})
    settings = InstalledZoo().settings("mine")
    assert set(settings.tolerance) == set(MODES)
    assert settings.tolerance["mix"] == settings.tolerance["int8a"] == settings.tolerance["int8"] == INT8["int8"]
    assert settings.tolerance["f32"] == tolerance["f32"]


def test_a_qtable_reaches_the_mode_that_reads_it(folder: Path) -> None:
    write(folder, qtable={"a_Conv": "bf16", "b_Relu": 3})
    settings = InstalledZoo().settings("mine")
    assert settings.qtable == {"a_Conv": "BF16", "b_Relu": 3.0}


def test_own_records_are_models_once_they_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPUFLOW_MODELS", str(tmp_path))
    assert "mine" not in record.names()
    write(tmp_path)
    (tmp_path / "half.yaml").write_text("name: ha")
    (tmp_path / "resnet50.yaml").write_text("name: resnet50")
    assert record.names() == tuple(sorted({"mine", *record.committed()} - {*record.optional()}))
    assert record.read("resnet50").licence
    with pytest.raises(BadRecord, match=r"half\.yaml:1: source: this field is missing"):
        record.read("half")


@pytest.mark.parametrize("name", ["../zoo/resnet50", "", ".hidden", "a/b"])
def test_a_name_that_can_be_none_is_unknown(name: str) -> None:
    with pytest.raises(UnknownModel):
        record.read(name)
