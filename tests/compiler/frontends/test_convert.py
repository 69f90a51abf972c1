"""Files of other frameworks into ONNX: what may not run doesn't, what dies is told, what comes out is the same net."""

import io
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from assets.zoo.record import ROOT
from compiler.frontends.convert import converted
from compiler.frontends.foreign import Foreign, NotConverted, NotTrusted
from compiler.frontends.onnx.errors import UnboundDimension
from compiler.frontends.onnx.session import Session
from compiler.npz import read_npz
from tests.compiler.frontends.absent import needs

FILES = ROOT / "models" / "frontends"
DIGIT = {"x": [1, 1, 28, 28]}


class Touches:
    """Creates a file as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_is_not_read_unasked(tmp_path: Path) -> None:
    ran, file = tmp_path / "ran", tmp_path / "net.pt"
    file.write_bytes(pickle.dumps(Touches(ran)))
    with pytest.raises(NotTrusted, match=r"net\.pt is a pickle.*--trust"):
        converted(Foreign("pytorch", file, DIGIT), tmp_path)
    assert not ran.exists()


@pytest.mark.parametrize("kind", ["pytorch", "jax"])
def test_python_is_not_run_unasked(tmp_path: Path, kind: str) -> None:
    ran, file = tmp_path / "ran", tmp_path / "net.py"
    file.write_text(f"open({str(ran)!r}, 'w')\n")
    with pytest.raises(NotTrusted, match=r"net\.py is Python.*--trust"):
        converted(Foreign(kind, file, DIGIT, "net"), tmp_path)
    with pytest.raises(NotConverted, match="--entry NAME"):
        converted(Foreign(kind, file, DIGIT, trust=True), tmp_path)
    assert not ran.exists()


def test_a_process_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dying = tmp_path / "python"
    dying.write_text("#!/bin/sh\necho out of memory >&2\nexit 137\n")
    dying.chmod(0o755)
    monkeypatch.setenv("TPUFLOW_TFLITE", str(dying))
    with pytest.raises(NotConverted, match=r"resnet8\.tflite: the process that converts it died: out of memory"):
        converted(Foreign("tflite", FILES / "resnet8.tflite"), tmp_path)


def test_int8_tflite_keeps_its_scales() -> None:
    """The converted file as committed: TensorFlow Lite's own results, but for a step of the last scale now and then."""
    model, told = onnx.load(FILES / "resnet8_int8.onnx"), read_npz(FILES / "resnet8_int8.npz")
    made = next(iter(Session(model).run({"x": told["x"]}).values()))
    step = min(np.diff(np.unique(told["results"])))
    assert np.mean(made == told["results"]) > 0.99
    assert np.max(np.abs(made - told["results"])) < 1.01 * step


@needs("pytorch")
@pytest.mark.parametrize("place", ["sample_inputs/model.pt", "weights/weight_0"])
def test_a_pickle_inside_an_archive_is_not_read(tmp_path: Path, place: str) -> None:
    ran, file = tmp_path / "ran", tmp_path / "net.pt2"
    payload = io.BytesIO()
    with zipfile.ZipFile(payload, "w") as saved:
        saved.writestr("archive/data.pkl", pickle.dumps(Touches(ran), 2))
        saved.writestr("archive/version", "3\n")
    with zipfile.ZipFile(FILES / "resnet8.pt2") as sound, zipfile.ZipFile(file, "w") as bad:
        for item in sound.infolist():
            held = sound.read(item)
            if item.filename.endswith("weights_config.json"):
                held = held.replace(b'"use_pickle": false', b'"use_pickle": true', 1)
            bad.writestr(item, payload.getvalue() if item.filename.endswith(place) else held)
    with pytest.raises(NotConverted):
        converted(Foreign("pytorch", file), tmp_path)
    assert not ran.exists()


@needs("pytorch")
def test_torchscript_has_to_be_told_what_it_is_fed(tmp_path: Path) -> None:
    with pytest.raises(UnboundDimension, match=r"resnet8\.pt doesn't say what it is fed.*--input x="):
        converted(Foreign("pytorch", FILES / "resnet8.pt"), tmp_path)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(Foreign("pytorch", FILES / "resnet8.pt2"), marks=needs("pytorch"), id="export"),
        pytest.param(Foreign("pytorch", FILES / "resnet8.pt", DIGIT), marks=needs("pytorch"), id="torchscript"),
        pytest.param(
            Foreign("pytorch", FILES / "torch_net.py", DIGIT, "net", True), marks=needs("pytorch"), id="module"
        ),
        pytest.param(Foreign("tensorflow", FILES / "resnet8.keras"), marks=needs("tensorflow"), id="keras"),
        pytest.param(Foreign("tflite", FILES / "resnet8.tflite"), marks=needs("tflite"), id="tflite"),
        pytest.param(Foreign("jax", FILES / "jax_net.py", DIGIT, "net", True), marks=needs("jax"), id="jax"),
        pytest.param(Foreign("paddle", FILES / "resnet8.json"), marks=needs("paddle"), id="paddle"),
    ],
)
def test_resnet8_is_what_it_was(tmp_path: Path, source: Foreign) -> None:
    """The committed ResNet-8's results, to rounding, whichever framework its weights went through."""
    report = converted(source, tmp_path)
    assert report["difference"] < 1e-5
    ours, theirs = Session(onnx.load(ROOT / "models" / "resnet8.onnx")), Session(onnx.load(tmp_path / "model.onnx"))
    picture = np.random.default_rng(0).uniform(0, 1, (1, 1, 28, 28)).astype(np.float32)
    ((name, extents),) = theirs.inputs.items()
    fed = picture if extents[1] == 1 else picture.transpose(0, 2, 3, 1)
    made = next(iter(theirs.run({name: fed}).values()))
    np.testing.assert_allclose(made, ours.run({"x": picture})["logits"], rtol=1e-4, atol=1e-4)


def test_this_python_is_looked_in_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from compiler.frontends.convert import python_of

    monkeypatch.delenv("TPUFLOW_JAX", raising=False)
    assert python_of("jax") == sys.executable
    monkeypatch.setenv("TPUFLOW_JAX", "/opt/jax/bin/python")
    assert python_of("jax") == "/opt/jax/bin/python"
