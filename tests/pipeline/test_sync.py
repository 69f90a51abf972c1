"""The event log says what the store says, and so the UI marks as stale what the planner would run."""

from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.flow import STAGE_ASSETS
from assets.partitions import key_of
from assets.resources import resources
from assets.workshop import Workshop
from compiler.build.flow import FLOW, Settings, Target
from compiler.build.plan import Action, plan
from pipeline.definitions import defs
from pipeline.instance import open_instance
from pipeline.sync import Synced, built, mirror, sync
from tests.offline_zoo import OfflineZoo
from tests.pipeline.staleness import statuses

TARGET = Target.parse("e8-int8")
KEY = str(key_of("lenet", TARGET))
STAGES = len(FLOW)


class Zoo(OfflineZoo):
    """The offline zoo with settings that a test turns."""

    changes: Mapping[str, Any] = {}

    def settings(self, model: str) -> Settings:
        """The model's, changed."""
        return replace(super().settings(model), **self.changes)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which the partition was built without Dagster."""
    root = tmp_path_factory.mktemp("built")
    build(Workshop(root / "build", Zoo(root / "zoo")))
    return root


@pytest.fixture
def workshop(store: Path) -> Workshop:
    made = Workshop(store / "build", Zoo(store / "zoo"))
    build(made)
    return made


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workshop: Workshop) -> Generator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    with open_instance(workshop.builder.zoo) as opened:
        yield opened


def build(workshop: Workshop) -> None:
    workshop.builder.build(workshop.builder.zoo.settings("lenet"), TARGET)


def turned(workshop: Workshop, **changes: Any) -> Workshop:
    """The same store under other settings."""
    store = workshop.builder.store.root
    zoo = Zoo(store.parent / "zoo")
    zoo.changes = changes
    return Workshop(store, zoo)


def mirrored(instance: dg.DagsterInstance, workshop: Workshop) -> Synced:
    return mirror(instance, workshop, built(workshop))


def planned(workshop: Workshop) -> dict[str, Action]:
    return {step.stage: step.action for step in plan(workshop.builder, workshop.builder.zoo.settings("lenet"), TARGET)}


def stale(instance: dg.DagsterInstance) -> set[str]:
    found = statuses(instance, KEY)
    assert len(found) == STAGES
    assert "MISSING" not in found.values()
    return {stage for stage, status in found.items() if status == "STALE"}


def versions(instance: dg.DagsterInstance) -> dict[str, str]:
    found = dict[str, str]()
    for stage in planned_stages():
        record = instance.get_latest_data_version_record(dg.AssetKey(stage), is_source=False, partition_key=KEY)
        assert record is not None
        assert record.asset_materialization is not None
        found[stage] = (record.asset_materialization.tags or {})["dagster/data_version"]
    return found


def planned_stages() -> list[str]:
    return [stage.name for stage in Workshop().builder.flow]


def launch(instance: dg.DagsterInstance, workshop: Workshop, config: Mapping[str, Any]) -> None:
    ops = {stage: {"config": given} for stage, given in config.items()}
    result = defs.resolve_job_def("build").execute_in_process(
        run_config={"ops": ops, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        instance=instance,
        partition_key=key_of("lenet", TARGET),
        resources=resources(workshop),
    )
    assert result.success


def test_a_build_without_dagster_is_told_once(instance: dg.DagsterInstance, workshop: Workshop) -> None:
    assert set(statuses(instance, KEY).values()) == {"MISSING"}
    assert mirrored(instance, workshop).materializations == STAGES
    assert stale(instance) == set()
    assert mirrored(instance, workshop) == Synced(0, 0, 0, 1)
    record = instance.get_latest_data_version_record(dg.AssetKey("profile"), is_source=False, partition_key=KEY)
    assert record is not None
    assert record.asset_materialization is not None
    assert {"cycles", "timeline"} <= set(record.asset_materialization.metadata)
    check = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey("comparison"), "chip_equals_tpu"), limit=1
    )
    assert [held.status.value for held in check] == ["SUCCEEDED"]


def test_what_a_run_told_is_not_told_again(instance: dg.DagsterInstance, workshop: Workshop, tmp_path: Path) -> None:
    fresh = Workshop(tmp_path / "build", workshop.builder.zoo)
    assert mirror(instance, fresh, [("lenet", TARGET)]).observations > 0
    launch(instance, fresh, {})
    assert mirrored(instance, fresh) == Synced(0, 0, 0, 1)
    assert stale(instance) == set()


def test_a_run_before_anything_was_observed_is_put_right(instance: dg.DagsterInstance, workshop: Workshop) -> None:
    launch(instance, workshop, {})
    assert mirrored(instance, workshop).observations > 0
    assert stale(instance) == set()
    mirrored(instance, turned(workshop, effort=1))
    assert stale(instance) == {"lg_mlir"}


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"calibration": {"method": "mse", "samples": 8, "bins": 2048}}, "cali_table"),
        ({"effort": 1}, "lg_mlir"),
        ({"tolerance": {"int8": {"cosine": 0.4, "accuracy_drop": 1.0}}}, "comparison"),
        ({"samples": 4}, "accuracy"),
    ],
)
def test_an_edit_marks_what_the_planner_would_run(
    instance: dg.DagsterInstance, workshop: Workshop, changes: dict[str, Any], first: str
) -> None:
    mirrored(instance, workshop)
    before = versions(instance)
    other = turned(workshop, **changes)
    mirrored(instance, other)
    assert stale(instance) == {first}
    assert planned(other)[first] in (Action.RUN, Action.REPOINT)
    build(other)
    mirrored(instance, other)
    assert stale(instance) == set()
    assert planned(workshop)[first] is Action.REPOINT
    assert sync(instance, workshop, [("lenet", TARGET)]).repointed >= 1
    assert versions(instance) == before
    assert stale(instance) == set()
    assert set(planned(workshop).values()) == {Action.NOTHING}


def test_settings_that_the_target_does_not_read_mark_nothing(instance: dg.DagsterInstance, workshop: Workshop) -> None:
    mirrored(instance, workshop)
    other = turned(
        workshop,
        qtable={"logits_Gemm": "F32"},
        tolerance={**workshop.builder.zoo.settings("lenet").tolerance, "f32": {"cosine": 0.1}},
    )
    mirrored(instance, other)
    assert stale(instance) == set()
    assert set(planned(other).values()) == {Action.NOTHING}


def test_an_experiment_from_the_launchpad_stays_until_the_next_sync(
    instance: dg.DagsterInstance, workshop: Workshop
) -> None:
    mirrored(instance, workshop)
    before = versions(instance)
    launch(instance, workshop, {"cali_table": {"method": "percentile"}, "lg_mlir": {"effort": 1}})
    mirrored(instance, workshop)
    assert versions(instance)["cali_table"] != before["cali_table"]
    assert stale(instance) == {"cali_table", "lg_mlir"}
    assert planned(workshop)["cali_table"] is Action.REPOINT
    sync(instance, workshop, built(workshop))
    assert versions(instance) == before
    assert stale(instance) == set()


def test_what_a_run_is_at_work_on_is_left_to_it(instance: dg.DagsterInstance, workshop: Workshop) -> None:
    build(turned(workshop, effort=1))
    tags = {"dagster/partition": KEY}
    run = dg.DagsterRun("build", "a-run", status=dg.DagsterRunStatus.STARTED, tags=tags)
    instance.add_run(run)
    assert sync(instance, workshop, [("lenet", TARGET)]).repointed == 0
    instance.report_run_failed(run)
    assert sync(instance, workshop, [("lenet", TARGET)]).repointed > 0


def test_a_record_names_its_code_as_the_asset_does(workshop: Workshop) -> None:
    shown = workshop.builder.store.refs("lenet/e8-int8")
    settings = workshop.builder.zoo.settings("lenet")
    for stage in FLOW:
        record = workshop.builder.store.record(shown[stage.name].key)
        assert record is not None
        asset = STAGE_ASSETS[stage.name]
        ran = stage.params(settings, TARGET) is not None
        assert ran == (stage.name != "qtable")
        assert (
            str(record.recipe["code"])[:16] == asset.code_versions_by_key[asset.key]
            if ran
            else not record.recipe["code"]
        )


def test_a_mistaken_setting_is_refused_by_name(instance: dg.DagsterInstance, workshop: Workshop) -> None:
    with pytest.raises(dg.Failure, match=r"the configuration of lg_mlir: [\s\S]*effort[\s\S]*less than or equal to 3"):
        launch(instance, workshop, {"lg_mlir": {"effort": 9}})
    with pytest.raises(dg.DagsterInvalidConfigError, match="nonsense"):
        launch(instance, workshop, {"lg_mlir": {"nonsense": 1}})
