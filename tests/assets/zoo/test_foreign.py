"""Models of other frameworks in the zoo: added like any other, converted once, again when their file changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
import pytest

from assets.zoo import foreign, record
from assets.zoo.add import NotAdded, Wishes, add
from assets.zoo.complaint import Faulty
from assets.zoo.examine import examine
from assets.zoo.origins import ForeignModel
from assets.zoo.zoo import InstalledZoo
from compiler.frontends.foreign import Foreign, NotTrusted
from tests.assets.zoo import nets


@dataclass
class Converter:
    """Stands in for the process: the dense net for whatever file, and a note of what was asked."""

    asked: list[Foreign] = field(default_factory=list[Foreign])

    def __call__(self, source: Foreign, out: Path) -> dict[str, Any]:
        self.asked.append(source)
        if source.file.suffix == ".py" and not source.trust:
            raise NotTrusted(f"{source.file.name} is Python")
        onnx.save_model(nets.dense((1, 8)), out / "model.onnx")
        return {}


@pytest.fixture
def converter(monkeypatch: pytest.MonkeyPatch) -> Converter:
    made = Converter()
    monkeypatch.setattr(foreign, "converted", made)
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TPUFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TPUFLOW_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def brought(folder: Path, files: Mapping[str, str]) -> Path:
    """Files where a user might have them; the first one's path."""
    home = folder.parent / "brought"
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return home / next(iter(files))


@pytest.mark.parametrize(
    ("files", "kind", "file"),
    [
        ({"net.pt2": ""}, "pytorch", "mine.pt2"),
        ({"net.tflite": ""}, "tflite", "mine.tflite"),
        ({"net.keras": ""}, "tensorflow", "mine.keras"),
        ({"net.json": "{}", "net.pdiparams": ""}, "paddle", "mine/mine.json"),
    ],
)
def test_added_under_another_name(
    folder: Path, converter: Converter, files: dict[str, str], kind: str, file: str
) -> None:
    held = examine(add(brought(folder, files), folder, Wishes("mine")).path)
    assert isinstance(held.source, ForeignModel)
    assert (held.source.kind, held.source.file) == (kind, folder / file)
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1 + len(files)


def test_a_saved_model_is_copied_whole(folder: Path, converter: Converter) -> None:
    inside = brought(folder, {"net/saved_model.pb": "graph", "net/variables/v.index": "weights"})
    held = examine(add(inside.parent, folder, Wishes()).path)
    assert isinstance(held.source, ForeignModel)
    assert held.source.file == folder / "net"
    assert (folder / "net" / "variables" / "v.index").read_text() == "weights"


def test_python_is_added_with_its_callable_and_the_word_for_it(folder: Path, converter: Converter) -> None:
    file = brought(folder, {"net.py": "def made(): ..."})
    with pytest.raises(NotTrusted):
        add(file, folder, Wishes(shapes={"x": (1, 8)}, entry="made"))
    assert not folder.exists()
    path = add(file, folder, Wishes(shapes={"x": (1, 8)}, entry="made", trust=True)).path
    assert "  kind: pytorch\n  file: net.py\n  entry: made\n  trust: true\n" in path.read_text()
    examine(path)
    asked = converter.asked[-1]
    assert (asked.entry, asked.trust, dict(asked.inputs)) == ("made", True, {"x": (1, 8)})


def test_what_is_no_model_is_refused(folder: Path, converter: Converter) -> None:
    with pytest.raises(NotAdded, match=r"notes\.txt is neither \.onnx nor \.pt2, .*SavedModel's folder"):
        add(brought(folder, {"notes.txt": ""}), folder, Wishes())
    with pytest.raises(NotAdded, match="no framework 'caffe'; there are pytorch, tensorflow, tflite, jax, paddle"):
        add(brought(folder, {"net.pt2": ""}), folder, Wishes(framework="caffe"))
    assert not converter.asked


def test_converted_once_and_again_when_the_file_changes(folder: Path, converter: Converter) -> None:
    path = add(brought(folder, {"net.tflite": "one"}), folder, Wishes()).path
    zoo = InstalledZoo()
    first = zoo.files("net")["model_file"]
    assert (first / "model.onnx").is_file()
    examine(path)
    assert len(converter.asked) == 1
    (folder / "net.tflite").write_text("another")
    assert zoo.files("net")["model_file"] != first
    assert len(converter.asked) == 2


@pytest.mark.parametrize(("suffix", "times"), [(".pt2", 1), (".pt", 2)])
def test_extents_count_where_the_file_does_not_say_them(
    folder: Path, converter: Converter, suffix: str, times: int
) -> None:
    file = brought(folder, {f"net{suffix}": ""})
    source = ForeignModel.model_validate({"kind": "pytorch", "file": file.name}, context={"folder": file.parent})
    asked: list[Mapping[str, Sequence[int]]] = [{"x": (1, 8)}, {"x": (2, 8)}, {"x": (1, 8)}]
    for inputs in asked:
        foreign.onnx_of(source, inputs)
    assert len(converter.asked) == times


def test_a_record_whose_file_may_not_run_is_a_fault_at_its_line(folder: Path, converter: Converter) -> None:
    file = brought(folder, {"net.py": ""})
    path = add(file, folder, Wishes(shapes={"x": (1, 8)}, entry="made", trust=True)).path
    path.write_text(path.read_text().replace("  trust: true\n", ""))
    with pytest.raises(Faulty, match=r"net\.yaml:6: source\.file: net\.py is Python"):
        examine(path)
    assert "net" in record.names()
