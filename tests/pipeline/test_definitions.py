"""The code location, and one real partition through the job."""

import base64
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.figures import MAX_BYTES
from assets.partitions import MODELS, key_of
from assets.resources import resources
from assets.workshop import Workshop
from compiler.build.flow import FLOW, SOURCES, Target
from pipeline.definitions import defs
from tests.offline_zoo import OfflineZoo

QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def build(root: Path, target: str) -> dg.ExecuteInProcessResult:
    workshop = Workshop(root / "build", OfflineZoo(root / "zoo"))
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions(str(MODELS.name), ["lenet"])
    return defs.resolve_job_def("build").execute_in_process(
        run_config=QUIET,
        instance=instance,
        partition_key=key_of("lenet", Target.parse(target)),
        resources=resources(workshop),
        raise_on_error=False,
    )


def test_every_stage_is_an_asset_with_its_inputs() -> None:
    graph = defs.resolve_asset_graph()
    knobs = {stage.knobs for stage in FLOW if stage.knobs}
    assert {key.path[-1] for key in graph.get_all_asset_keys()} >= {stage.name for stage in FLOW} | set(SOURCES) | knobs
    for stage in FLOW:
        node = graph.get(dg.AssetKey(stage.name))
        read = {*stage.inputs, stage.knobs} - {None}
        assert {key.path[-1] for key in node.parent_keys} == read
        assert node.code_version
        assert node.description
        assert node.owners


@pytest.mark.parametrize("target", ["e8-int8", "e8-f32"])
def test_a_partition_is_built_with_plots_and_its_checks_hold(tmp_path: Path, target: str) -> None:
    result = build(tmp_path, target)
    assert result.success, [event.message for event in result.all_events if event.is_step_failure]
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks["chip_equals_tpu"]
    assert {name for name, passed in checks.items() if not passed} <= {"accurate_enough"}
    pictures = {
        name: value.value
        for event in result.get_asset_materialization_events()
        for name, value in event.step_materialization_data.materialization.metadata.items()
        if isinstance(value, dg.MarkdownMetadataValue)
    }
    quantised = {"thresholds", "layer_noise", "histograms"} if target.endswith("int8") else set[str]()
    assert str(pictures.pop("summary", "")).startswith("# Quantisation of lenet" if quantised else "")
    assert set(pictures) == quantised | {
        "local_memory", "memory_map", "timeline", "roofline", "similarity", "confusion", "misjudged",
    }  # fmt: skip
    for text in pictures.values():
        assert text is not None
        data = base64.b64decode(text.partition("base64,")[2].rstrip(")"))
        assert data[8:12] == b"WEBP"
        assert len(data) <= MAX_BYTES


def test_a_failing_step_says_why_and_shows_nothing(tmp_path: Path) -> None:
    OfflineZoo(tmp_path / "zoo")
    (tmp_path / "zoo" / "model_file" / "model.onnx").write_bytes(b"not a model")
    result = build(tmp_path, "e8-int8")
    assert not result.success
    failure = next(event for event in result.all_events if event.is_step_failure)
    told = str(failure.step_failure_data.user_failure_data)
    assert "lenet/e8-int8, stage sample_onnx: " in told
    assert "model.onnx" in told
    assert not list((tmp_path / "build").glob("lenet/**/*"))
