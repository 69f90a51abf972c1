"""`tpuflow zoo` as typed."""

from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner, Result

from assets.zoo import record
from pipeline.cli import app
from tests.assets.zoo import nets


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with nothing but `net.onnx`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TPUFLOW_MODELS", raising=False)
    monkeypatch.setenv("TPUFLOW_STORE", str(tmp_path / "build"))
    monkeypatch.setenv("TPUFLOW_CACHE", str(tmp_path / "cache"))
    onnx.save_model(nets.two_inputs(), tmp_path / "net.onnx")
    return tmp_path / "my_models"


def zoo(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["zoo", *arguments])


def refused(*arguments: str) -> str:
    result = zoo(*arguments)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    return " ".join(result.stderr.split())


def test_a_model_is_added_listed_checked_and_built(folder: Path) -> None:
    added = zoo("add", "net.onnx", "--licence", "ours")
    assert added.exit_code == 0, added.output
    assert (folder / "net.yaml").is_file()
    for line in added.stdout.splitlines():
        if line.startswith("  tpuflow "):
            done = CliRunner().invoke(app, line.split()[1:])
            assert done.exit_code == 0, done.output
    row = next(line for line in zoo("list").stdout.splitlines() if line.split()[:1] == ["net"])
    assert row.split() == ["net", "file", "net.onnx", "ours", "a[1,4,6,6]", "b[1,4,1,1]", "0", "–", "x64-int8", "here"]


def test_the_list_has_every_model_and_what_is_none(folder: Path) -> None:
    folder.mkdir()
    (folder / "bad.yaml").write_text("name: bad\n")
    told = zoo("list")
    assert told.exit_code == 0
    assert {line.split()[0] for line in told.stdout.splitlines() if line.strip()} >= set(record.committed())
    assert "not a model: my_models/bad.yaml:1: source: this field is missing" in told.stdout


def test_a_typo_is_named_with_its_line_and_the_nearest_field(folder: Path) -> None:
    zoo("add", "net.onnx")
    text = (folder / "net.yaml").read_text().replace("  samples: 20\n  method", "  sample: 20\n  method")
    (folder / "net.yaml").write_text(text)
    line = text.splitlines().index("  sample: 20") + 1
    said = refused("check", "net")
    assert f"my_models/net.yaml:{line}: calibration.sample: there is no such field; did you mean samples?" in said
    assert "net.yaml" in refused("check")


def test_the_committed_records_are_sound() -> None:
    told = zoo("check")
    assert told.stdout.split("\n")[:-1] == [f"{model}: sound" for model in sorted(record.committed())]


def test_an_unknown_model_is_named() -> None:
    assert "no model 'nett'; there are ddddocr_det" in refused("check", "nett")


def test_a_dynamic_extent_is_given_on_the_command_line(folder: Path) -> None:
    onnx.save_model(nets.dense(("batch", "length", 8)), "net.onnx")
    said = refused("add", "net.onnx")
    assert said.endswith("such as --input x=1,128,8")
    assert not folder.exists()
    example = said.split()[-2:]
    assert zoo("add", "net.onnx", *example).exit_code == 0
    assert record.read("net").inputs == {"x": (1, 128, 8)}


@pytest.mark.parametrize("text", ["x", "x=", "x=1,two", "=1,2", "x=1,0", "x=1,-2"])
def test_a_shape_that_is_none(text: str) -> None:
    assert f"--input {text}: write it as name=1,3,224,224" in refused("add", "net.onnx", "--input", text)


def test_another_folder_is_named_in_what_to_do_next(tmp_path: Path) -> None:
    told = zoo("add", "net.onnx", "--into", str(tmp_path / "other"))
    assert f"export TPUFLOW_MODELS={tmp_path / 'other'}" in told.stdout.replace("\n", "")
    assert told.exit_code == 0
