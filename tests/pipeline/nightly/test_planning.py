"""The planning run: what it orders, what it leaves alone, and what happens when it cannot."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRun

from assets.report import order
from assets.report.notifier import Notifier
from assets.report.order import ORDER_TAG
from compiler.build.flow import TARGETS, Settings, Target
from pipeline.bench.nights import TARGET, Nights, webhook
from pipeline.bench.planted import PlantedZoo
from pipeline.nightly.definitions import definitions
from pipeline.nightly.dispatch import REPORT_JOB
from pipeline.nightly.drive import PlanningFailed
from pipeline.nightly.schedule import BadSchedule
from pipeline.nightly.work_order import WorkConfig, order_id


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Two models of which `built` is built."""
    nights = Nights(tmp_path_factory.mktemp("planning"), ["built", "fresh"])
    nights.driver().finish(nights.plan("before", models=["built"], report=False))
    return nights


def test_a_code_server_can_load_everything(nights: Nights) -> None:
    nights.definitions.get_repository_def().load_all_definitions()


def test_only_what_is_missing_or_stale_is_ordered(nights: Nights) -> None:
    held = nights.plan("some")
    assert held.unchanged == ["built/e8-int8"]
    assert [(task.partition, task.stage, task.because) for task in held.work] == [
        ("fresh/e8-int8", "origin_mlir", "never built")
    ]


def test_a_model_that_cannot_be_planned_is_named_and_the_others_are_ordered(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = PlantedZoo.settings

    def settings(zoo: PlantedZoo, model: str) -> Settings:
        if model == "built":
            raise LookupError("built.yaml: no field `name`")
        return whole(zoo, model)

    monkeypatch.setattr(PlantedZoo, "settings", settings)
    held = nights.plan("half")
    assert held.broken == {"built/e8-int8": "LookupError: built.yaml: no field `name`"}
    assert [task.partition for task in held.work] == ["fresh/e8-int8"]


def test_an_artifact_made_by_the_command_line_is_shown_without_a_run(nights: Nights, tmp_path: Path) -> None:
    other = Nights(tmp_path, ["solo"])
    builder = other.workshop.builder
    builder.build(builder.zoo.settings("solo"), Target.parse(TARGET))
    held = other.plan("after")
    assert (list(held.work), held.unchanged) == ([], ["solo/e8-int8"])
    event = other.instance.get_latest_materialization_event(dg.AssetKey("sample_model"))
    assert event is not None


def test_rebuilding_by_day_needs_no_configuration_and_makes_no_report(nights: Nights) -> None:
    job = nights.definitions.resolve_job_def("rebuild_stale")
    done = job.execute_in_process(instance=nights.instance)
    held = order.load(nights.store, order_id(done.dagster_run))
    assert held is not None
    assert (held.reason, held.report) == ("rebuild", False)
    assert len(held.partitions) == 2 * len(TARGETS)
    assert "built/e8-int8" in held.unchanged


def test_names_that_are_not_there_fail_the_planning_and_say_so(nights: Nights) -> None:
    with pytest.raises(PlanningFailed, match=r"models: there is no lennet; there are built, fresh"):
        nights.driver().plan(WorkConfig(models=["lennet"]), {ORDER_TAG: "typo"})


def run(job: str, name: str = "", config: dict[str, Any] | None = None) -> DagsterRun:
    return DagsterRun(job, "0123456789ab", run_config=config or {}, tags={ORDER_TAG: name} if name else {})


def test_a_run_that_dagster_starts_again_writes_the_same_order_and_a_persons_another() -> None:
    first = run("plan_work", "night")
    lost = first.with_tags({**first.tags, "dagster/retry_number": "1"})
    person = DagsterRun("plan_work", "fedcba", root_run_id="0123", parent_run_id="0123", tags={ORDER_TAG: "night"})
    assert [order_id(it) for it in (first, lost, person)] == ["night", "night", "night-fedcba"]
    assert order_id(run("rebuild_stale")) == "order-01234567"


def failed(nights: Nights, run: DagsterRun) -> dg.RunRequest | dg.SkipReason | None:
    """What the failure sensor makes of a failed run."""
    nights.instance.add_run(run)
    nights.instance.report_run_failed(run, "the disk is full")
    event = dg.DagsterEvent("PIPELINE_FAILURE", run.job_name, message="the disk is full")
    sensor = nights.definitions.resolve_sensor_def("night_failed")
    context = dg.build_run_status_sensor_context(
        sensor_name=sensor.name, dagster_event=event, dagster_instance=nights.instance, dagster_run=run
    ).for_run_failure()
    result: Any = sensor(context, notifier=Notifier())
    return result


def test_a_planning_run_that_fails_is_reported(nights: Nights) -> None:
    config = {"ops": {"work_order": {"config": {"report": True, "reason": "nightly"}}}}
    request = failed(nights, run("plan_work", "lost-night", config))
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "lost-night:report"
    done = nights.definitions.resolve_job_def(REPORT_JOB).execute_in_process(
        run_config=request.run_config, instance=nights.instance, tags=request.tags
    )
    assert done.success
    verdicts = {check.check_name: check for check in done.get_asset_check_evaluations()}
    assert not any(check.passed for check in verdicts.values())
    assert "the disk is full" in (verdicts["every_partition_built"].description or "")


def test_a_report_that_fails_is_told_of(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as (address, posted):
        monkeypatch.setenv("TPUFLOW_WEBHOOK", address)
        result = failed(nights, DagsterRun(REPORT_JOB, "aaaabbbb", tags={ORDER_TAG: "night"}))
    assert isinstance(result, dg.SkipReason)
    assert [message["text"] for message in posted] == ["night: the report failed: the disk is full"]


def test_a_schedule_is_off_until_somebody_turns_it_on_and_names_its_night(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TPUFLOW_NIGHTLY_TARGETS", "e8-int8, x64-f32")
    schedule = nights.definitions.resolve_schedule_def("nightly")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    moment = datetime(2026, 3, 9, 2, 0, tzinfo=UTC)
    context = dg.build_schedule_context(nights.instance, scheduled_execution_time=moment)
    [request] = list(schedule.evaluate_tick(context).run_requests or ())
    assert request.run_key == request.tags[ORDER_TAG] == "nightly-2026-03-09-0200"
    config = request.run_config["ops"]["work_order"]["config"]
    assert (config["targets"], config["report"]) == (["e8-int8", "x64-f32"], True)


@pytest.mark.parametrize(
    ("variable", "value"), [("TPUFLOW_NIGHTLY_CRON", "at two"), ("TPUFLOW_NIGHTLY_TIMEZONE", "Utopia")]
)
def test_a_time_there_is_not_is_named(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadSchedule, match=variable):
        definitions(nights.workshop)


def test_a_damaged_night_costs_the_sparklines_and_not_the_report(nights: Nights) -> None:
    nights.store.save("nights/20260309T020000-old.json", b"{")
    nights.driver().finish(nights.plan("plain", models=["built"]))
    assert "built/e8-int8" in (nights.store.root / "reports" / "plain" / "report.html").read_text()
