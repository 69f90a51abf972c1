"""The report: run over real artifacts, kept, found again, and told when it fails."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.notebook import CODE_VERSION, JOB, NAME, TEMPLATE, closure, notebook, report
from assets.notebooks import write
from assets.notebooks.facts import INPUTS
from assets.notebooks.failure import CellFailed
from assets.partitions import MODELS, key_of
from assets.resources import resources
from assets.workshop import Workshop
from compiler.build.flow import Settings, Target
from compiler.build.store import Record
from pipeline.definitions import defs
from tests.offline_zoo import OfflineZoo

QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
HEADINGS = ["Checks", "The flow", "What the passes did", "Thresholds", "Lowering", "Layer groups", "On the chip"]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    root = tmp_path_factory.mktemp("report")
    return Workshop(root / "build", OfflineZoo(root / "zoo"))


def built(workshop: Workshop, target: str) -> Mapping[str, Record]:
    return workshop.builder.build(workshop.builder.zoo.settings("lenet"), Target.parse(target), INPUTS)


def reported(workshop: Workshop, target: str, template: Path = TEMPLATE) -> Record:
    settings = workshop.builder.zoo.settings("lenet")
    return report(workshop.builder, settings, Target.parse(target), built(workshop, target), template)


def run(workshop: Workshop, target: str) -> dg.ExecuteInProcessResult:
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions(str(MODELS.name), ["lenet"])
    return defs.resolve_job_def(JOB.name).execute_in_process(
        run_config=QUIET,
        instance=instance,
        partition_key=key_of("lenet", Target.parse(target)),
        resources=resources(workshop),
        raise_on_error=False,
    )


def stored(workshop: Workshop) -> set[str]:
    """Every record and object of the store."""
    inner = workshop.builder.store.inner
    return {str(path) for name in ("records", "cas") for path in (inner / name).rglob("*")}


def outputs(folder: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads((folder / "report.ipynb").read_text())["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


@pytest.mark.parametrize(("target", "plots"), [("e8-int8", 8), ("e8-f32", 7)])
def test_the_page_shows_what_was_built(workshop: Workshop, target: str, plots: int) -> None:
    records, folder = built(workshop, target), reported(workshop, target).ref.path
    page = (folder / "report.html").read_text()
    assert re.findall(r"<h2[^>]*>([^<]*)</h2>", page)[:7] == HEADINGS
    assert f"<h1>lenet for {target}</h1>" in page
    assert f"<b>{records['profile'].metadata['cycles']:,}</b><span>cycles</span>" in page
    assert str(records["comparison"].metadata["worst_tensor"]) in page
    assert "<b>holds</b><span>chip_equals_tpu</span>" in page
    assert "<b>fails</b>" not in page
    assert page.count("data:image/webp;base64,") == plots
    assert ("there is nothing to calibrate" in page) == target.endswith("f32")


def test_the_page_needs_nothing_else_and_no_cell_warns(workshop: Workshop) -> None:
    folder = reported(workshop, "e8-int8").ref.path
    page = (folder / "report.html").read_text()
    assert not re.findall(r"https?://|<script|@import|<link|url\(", page)
    assert {output["output_type"] for output in outputs(folder)} == {"display_data"}


def test_the_same_bytes_in_another_store(workshop: Workshop, tmp_path: Path) -> None:
    other = Workshop(tmp_path / "build", OfflineZoo(tmp_path / "zoo"))
    assert reported(other, "e8-int8").ref.hash == reported(workshop, "e8-int8").ref.hash


def test_a_report_that_is_there_is_not_run_again(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    first = reported(workshop, "e8-int8")
    monkeypatch.setattr(write, "write", None)
    again = reported(workshop, "e8-int8")
    assert again.hit
    assert again.ref == first.ref


def test_another_template_is_another_report(workshop: Workshop, tmp_path: Path) -> None:
    other = tmp_path / "report.py"
    other.write_text(TEMPLATE.read_text() + "\n# %% [markdown]\n# ## And one thing more\n")
    assert reported(workshop, "e8-int8", other).key != reported(workshop, "e8-int8").key
    assert {"assets/notebooks/report.py", "assets/notebooks/execute.py", "assets/plots/timeline.py"} <= set(closure())


def test_a_cell_that_fails_is_named_and_nothing_is_stored(workshop: Workshop, tmp_path: Path) -> None:
    broken = tmp_path / "report.py"
    broken.write_text(TEMPLATE.read_text().replace('here.compared if row["later"]', 'here.compared if row["latter"]'))
    reported(workshop, "e8-int8")
    before = stored(workshop)
    assert before
    with pytest.raises(CellFailed, match=r"below 'Likeness to float': KeyError: 'latter'"):
        reported(workshop, "e8-int8", broken)
    assert stored(workshop) == before


def test_a_check_that_does_not_hold_is_seen(tmp_path: Path) -> None:
    class Strict(OfflineZoo):
        def settings(self, model: str) -> Settings:
            return Settings(model, shapes={"x": [1, 1, 28, 28]}, tolerance={"f32": {"cosine": 1.1}})

    folder = reported(Workshop(tmp_path / "build", Strict(tmp_path / "zoo")), "e8-f32").ref.path
    told = json.loads((folder / "report.json").read_text())
    assert [check["check"] for check in told["checks"] if not check["passed"]] == ["similar_enough"]
    page = (folder / "report.html").read_text()
    assert "<b>fails</b><span>similar_enough</span>" in page
    assert "first tensor with a cosine below 1.1" in page
    assert "The model has no labelled data to score." in page


def test_the_job_builds_what_is_missing_and_shows_the_report(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path / "build", OfflineZoo(tmp_path / "zoo"))
    first, second = run(workshop, "e8-int8"), run(workshop, "e8-int8")
    assert first.success, [event.message for event in first.all_events if event.is_step_failure]
    seen: list[Any] = []
    for result in (first, second):
        (event,) = result.asset_materializations_for_node(NAME)
        seen.append(event)
        assert str(event.metadata["summary"].value).startswith("| cycles |")
        assert Path(str(event.metadata["notebook"].value)).name == "report.ipynb"
    assert [event.tags["tpuflow/cache"] for event in seen] == ["miss", "hit"]
    assert len({event.tags["dagster/data_version"] for event in seen}) == 1
    assert (tmp_path / "build" / "lenet" / "e8-int8" / "report.html").is_file()


def test_without_artifacts_the_asset_says_what_to_do(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path / "build", OfflineZoo(tmp_path / "zoo"))
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions(str(MODELS.name), ["lenet"])
    result = dg.materialize(
        [notebook],
        partition_key=key_of("lenet", Target.parse("e8-int8")),
        resources=resources(workshop),
        instance=instance,
        raise_on_error=False,
        run_config=QUIET,
    )
    (failure,) = (event for event in result.all_events if event.is_step_failure)
    told = str(failure.step_failure_data.user_failure_data)
    assert "lenet/e8-int8, notebook: lenet/e8-int8 has no sample_onnx yet: build it first" in told


def test_a_code_server_loads_it_with_all_others() -> None:
    defs.get_repository_def().load_all_definitions()


def test_it_is_made_on_request_alone() -> None:
    node = defs.resolve_asset_graph().get(dg.AssetKey(NAME))
    assert {key.path[-1] for key in node.parent_keys} == set(INPUTS)
    assert node.code_version == CODE_VERSION
    steps = {name: set(defs.resolve_job_def(name).graph.node_dict) for name in ("build", JOB.name)}
    assert NAME not in steps["build"]
    assert steps[JOB.name] == steps["build"] | {NAME}
