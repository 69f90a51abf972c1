"""A user's own files: fed as they are, copied with what belongs to them, seen when they change."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml

from assets.zoo import own
from assets.zoo.datasets.samples import NotInDataSet
from assets.zoo.make import FileOutside
from assets.zoo.zoo import InstalledZoo
from compiler.build.builder import Builder
from compiler.build.flow import Target
from compiler.build.keys import Code
from compiler.build.store import Store
from compiler.feeds import BadData
from compiler.npz import write_npz
from tests.assets.zoo import nets

TOLERANCE = {"int8": {"cosine": 0.5}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, and a cache of the test's own."""
    monkeypatch.setenv("TPUFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TPUFLOW_MODELS", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def write(folder: Path, inputs: dict[str, list[int]], data: dict[str, Any], **instead: Any) -> None:
    record = {
        "name": "net",
        "source": {"kind": "file", "file": "net.onnx"},
        "licence": "none",
        "inputs": inputs,
        "calibration": {**data, "method": "max"},
        "evaluation": {**data, "tolerance": TOLERANCE},
    }
    (folder / "net.yaml").write_text(yaml.safe_dump(record | instead))


def arrays(directory: Path) -> dict[str, np.ndarray]:
    with np.load(next(directory.iterdir())) as held:
        return {**held}


def two_inputs(folder: Path, **data: Any) -> None:
    onnx.save_model(nets.two_inputs(), folder / "net.onnx")
    write(folder, {"a": [1, 4, 6, 6], "b": [1, 4, 1, 1]}, data)


def test_own_arrays_are_fed_as_they_are_with_labels(folder: Path) -> None:
    random = np.random.default_rng(0)
    a, b = random.random((5, 4, 6, 6)), random.random((5, 4, 1, 1))
    write_npz(folder / "data.npz", {"a": a, "b": b, "labels": np.arange(5), "other": a})
    two_inputs(folder, file="data.npz", samples=3)
    made = arrays(InstalledZoo().files("net")["evaluation_data"])
    assert set(made) == {"a", "b", "labels"}
    assert made["a"].dtype == np.float32
    np.testing.assert_array_equal(made["b"], b[:3].astype(np.float32))
    np.testing.assert_array_equal(made["labels"], [0, 1, 2])


def test_seeded_numbers_feed_any_inputs(folder: Path) -> None:
    two_inputs(folder, dataset="seeded_normal", samples=4)
    files = InstalledZoo().files("net")
    calibration, evaluation = (arrays(files[name]) for name in ("calibration_data", "evaluation_data"))
    assert {name: array.shape for name, array in evaluation.items()} == {"a": (4, 4, 6, 6), "b": (4, 4, 1, 1)}
    assert not np.isin(calibration["a"], evaluation["a"]).any()


def test_a_network_of_two_inputs_and_its_own_data_is_built(folder: Path, tmp_path: Path) -> None:
    two_inputs(folder, dataset="seeded_normal", samples=4)
    zoo = InstalledZoo()
    built = Builder(Store(tmp_path / "store"), zoo, Code()).build(zoo.settings("net"), Target.parse("e8-int8"))
    assert built["comparison"].metadata["tensors"] >= 2
    assert built["comparison"].metadata["mismatched_bytes"] == 0


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"a": (5, 4, 6, 6)}, r"data\.npz has no data for input b; it has a"),
        ({"a": (5, 4, 6, 7), "b": (5, 4, 1, 1)}, r"data\.npz: input 'a' has \[5, 4, 6, 7\]; .* \[3, 4, 6, 6\] or more"),
        ({"a": (5, 4, 6, 6), "b": (2, 4, 1, 1)}, r"input 'b' has \[2, 4, 1, 1\]; the record wants \[3, 4, 1, 1\]"),
    ],
)
def test_arrays_that_do_not_fit_are_named(folder: Path, held: dict[str, tuple[int, ...]], said: str) -> None:
    write_npz(folder / "data.npz", {name: np.zeros(shape) for name, shape in held.items()})
    two_inputs(folder, file="data.npz", samples=3)
    with pytest.raises((BadData, NotInDataSet), match=said):
        InstalledZoo().files("net")


def test_pictures_feed_one_input_only(folder: Path) -> None:
    two_inputs(folder, dataset="seeded_images", samples=3)
    with pytest.raises(NotInDataSet, match=r"seeded_images feeds one input .* the model takes a \[1, 4, 6, 6\], b"):
        InstalledZoo().files("net")


def test_external_data_come_along_and_a_change_of_them_is_seen(folder: Path) -> None:
    path = nets.save_external(folder)
    write(folder, {"x": [1, 8]}, {"dataset": "seeded_normal", "samples": 3})
    zoo = InstalledZoo()
    first = zoo.files("net")["model_file"]
    assert onnx.load_model(first / "model.onnx").graph.initializer[0].raw_data
    data = path.with_name("net.data")
    data.write_bytes(data.read_bytes()[::-1])
    assert not zoo.present("net")
    assert (zoo.files("net")["model_file"] / "net.data").read_bytes() == data.read_bytes()
    assert (first / "net.data").read_bytes() != data.read_bytes()


def test_external_data_outside_the_folder_are_refused(folder: Path) -> None:
    path = nets.save_external(folder)
    (folder.parent / "net.data").write_bytes((folder / "net.data").read_bytes())
    model = onnx.load_model(path, load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        entry.value = "../net.data" if entry.key == "location" else entry.value
    path.write_bytes(model.SerializeToString())
    write(folder, {"x": [1, 8]}, {"dataset": "seeded_normal", "samples": 3})
    with pytest.raises(FileOutside, match=r"net\.onnx has data in \.\./net\.data, outside its folder"):
        InstalledZoo().files("net")


def test_a_file_is_read_once_while_it_does_not_change(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.npz").write_bytes(b"one")
    os.utime(folder / "a.npz", (1e9, 1e9))
    first = own.content(folder / "a.npz")

    def again(path: Path) -> str:
        pytest.fail(f"{path} was read again")

    with monkeypatch.context() as patch:
        patch.setattr("compiler.build.hashes.of_file", again)
        assert own.content(folder / "a.npz") == first
    (folder / "a.npz").write_bytes(b"two")
    assert own.content(folder / "a.npz") != first


def test_moving_the_folder_makes_nothing_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two_inputs(folder, dataset="seeded_normal", samples=3)
    made = InstalledZoo().files("net")
    moved = folder.rename(folder.with_name("moved"))
    monkeypatch.setenv("TPUFLOW_MODELS", str(moved))
    assert InstalledZoo().files("net") == made
