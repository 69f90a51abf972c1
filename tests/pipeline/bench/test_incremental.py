"""The bench of incremental builds: its edits fit the sources, and a stage too many is a failure."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from pipeline.bench import incremental
from pipeline.bench.replica import REPOSITORY, EditFailed, Replica
from pipeline.bench.report import Row
from pipeline.bench.status import Told
from pipeline.cli import app


@pytest.mark.parametrize("case", incremental.EDITS)
def test_what_the_bench_edits_is_there_once(case: str) -> None:
    file, before, after = incremental.EDITS[case]
    text = (REPOSITORY / file).read_text()
    assert before in text
    assert after not in text


@pytest.fixture(scope="module")
def replica(tmp_path_factory: pytest.TempPathFactory) -> Replica:
    return Replica(tmp_path_factory.mktemp("bench") / "copy")


def test_a_copy_is_edited_and_the_working_tree_is_not(replica: Replica) -> None:
    file, before, after = incremental.EDITS["edit-table"]
    whole = (REPOSITORY / file).read_bytes()
    with replica.edited(file, before, after):
        assert after in (replica.root / file).read_text()
        assert (REPOSITORY / file).read_bytes() == whole
    assert (replica.root / file).read_bytes() == whole
    with pytest.raises(EditFailed, match=r"assets/metadata\.py has no 'nothing like it' to edit"):
        replica.edited(file, "nothing like it", "").__enter__()


def test_a_process_of_the_copy_tells_of_the_copy(replica: Replica) -> None:
    (replica.root / "pipeline/zoo/resnet8.yaml").rename(replica.root / "elsewhere.yaml")
    told = replica.run("models", [])
    (replica.root / "elsewhere.yaml").rename(replica.root / "pipeline/zoo/resnet8.yaml")
    assert "lenet_mnist" in [*told["present"], *told["absent"]]
    assert "resnet8" not in [*told["present"], *told["absent"]]


def test_nothing_shown_is_not_nothing_changed(replica: Replica) -> None:
    with pytest.raises(FileNotFoundError, match="shows no file"):
        replica.files(("lenet_mnist", "x64-int8"))


def test_stages_are_counted_by_where_they_are_in_the_flow() -> None:
    ran = {"net/x64-int8": {"ran": ["canonical_mlir", "lg_mlir"], "due": ["lg_mlir", "addr_mlir", "profile"]}}
    rows = {row.metric: row.value for row in incremental.stage_rows("edit", ran, "lg_mlir")}
    assert rows == {"stages_run": 2, "runs": 1, "stages_before_lg": 1, "stages_cut_off": 2}


@pytest.mark.parametrize("metric", sorted(incremental.NEVER))
def test_one_too_many_is_a_failure(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (0, 1):

        def rows(told: Told, found: int = value) -> Iterator[Row]:
            yield Row("case", metric, found, "things")

        monkeypatch.setattr(incremental, "rows", rows)
        result = CliRunner().invoke(app, ["bench", "incremental", "--json"])
        assert result.exit_code == value
        assert [row["value"] for row in json.loads(result.stdout)["rows"]] == [value]
