"""The notebook for people, run as they would, from an empty store; what it prints is held against the library."""

import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import nbformat
import pytest
from nbformat import NotebookNode

from assets.explore.build import Build, load
from assets.notebooks.execute import execute
from assets.workshop import Workshop
from compiler.npz import read_npz
from tests.assets.zoo.needs import files_of

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "explore.ipynb"


def committed() -> NotebookNode:
    return cast("NotebookNode", nbformat.read(NOTEBOOK, as_version=4))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    files_of("resnet8")
    root: Path = tmp_path_factory.mktemp("explore") / "build"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TPUFLOW_STORE", str(root))
        yield root


@pytest.fixture(scope="module")
def printed(store: Path) -> str:
    """All text that the cells leave; errors and warnings would be streams of their own."""
    done = execute(committed(), {}, store.parent)
    cells: list[dict[str, Any]] = json.loads(nbformat.writes(done))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}
    texts = [output.get("text") or output["data"]["text/plain"] for output in outputs]
    return "\n".join("".join(text) for text in texts)


@pytest.fixture(scope="module")
def net(store: Path, printed: str) -> Build:
    return load("resnet8", "x64-int8", Workshop(store))


def row(printed: str, name: str, count: int, heading: str) -> list[float]:
    """The numbers of a row of the table below that heading."""
    table = printed[printed.index(heading) :]
    found = re.search(rf"^{name} +(.*)$", table, re.MULTILINE)
    assert found is not None, name
    return [float(text) for text in found[1].split()[:count]]


def test_it_is_committed_without_outputs() -> None:
    nbformat.validate(committed())
    cells: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text())["cells"]
    assert {json.dumps(cell.get("outputs", [])) for cell in cells} == {"[]"}
    assert {cell.get("execution_count") for cell in cells} == {None}


def test_it_names_the_least_exact_tensor(printed: str, net: Build) -> None:
    worst = net.record("comparison").metadata
    found = re.search(r"least exact: (\S+) at (\S+) dB", printed)
    assert found is not None
    assert float(found[2]) == pytest.approx(worst["sqnr_db"], abs=0.005)
    assert found[1] in {line["tensor"] for line in net.compared if abs(line["sqnr_db"] - worst["sqnr_db"]) < 1e-6}


def test_a_tighter_threshold_moves_only_what_follows(printed: str) -> None:
    found = re.search(r"differ: (.*)", printed)
    assert found is not None
    moved = found[1].split(", ")
    assert moved[0] == "cali_table"
    assert not {"sample_onnx", "origin_mlir", "canonical_mlir", "onnx_results", "top_results"} & set(moved)
    before, after, change = row(printed, "sqnr_db", 3, "differ:")
    assert after < before - 10
    assert change == pytest.approx(after / before - 1, abs=1e-3)
    assert row(printed, "cycles", 3, "differ:")[2] == 0


def test_the_chip_is_exact_in_every_experiment(printed: str) -> None:
    rows = re.findall(r"^mismatched_bytes +(.*)$", printed, re.MULTILINE)
    assert len(rows) == 4
    assert {float(number) for line in rows for number in line.split()} == {0.0}
    assert "bytes that differ between x64 and e8: 0" in printed


def test_it_counts_the_samples_that_are_right(printed: str, net: Build) -> None:
    feeds, labels = net.samples(100)
    (scores,) = net.run(feeds).values()
    right = int((scores.argmax(axis=1) == labels).sum())
    assert f"calibrated: {right} of 100 right" in printed
    assert read_npz(files_of("resnet8")["evaluation_data"] / "evaluation.npz")["labels"].shape[0] >= 100


def test_nothing_that_is_shown_moved(printed: str, net: Build) -> None:
    assert "the partition is as it was: True" in printed
    assert net.builder.store.refs(net.title) == {}
