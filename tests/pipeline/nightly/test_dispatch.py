"""From an order to runs: in batches, each once, whatever happens to the cursor, the order or the runs."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
from dagster import DagsterRun, DagsterRunStatus

from assets.report import order
from assets.report.order import ORDER_TAG, Order, Task
from pipeline.bench.nights import TARGET, Nights
from pipeline.nightly import dispatch

MODELS = [f"m{i}" for i in range(5)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    return Nights(tmp_path_factory.mktemp("dispatch"), MODELS)


@pytest.fixture
def nights(made: Nights, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """The same zoo without any order or run; two runs a tick."""
    for name in [*made.store.names(order.OPEN), *made.store.names(order.DONE)]:
        made.store.drop(name)
    made.instance.wipe()
    made.instance.add_dynamic_partitions("models", MODELS)
    monkeypatch.setattr(dispatch, "BATCH", 2)
    return made


def tick(nights: Nights, cursor: str | None = None) -> tuple[list[dg.RunRequest], str | None]:
    sensor = nights.definitions.resolve_sensor_def("dispatch")
    repository = nights.definitions.get_repository_def()
    with (
        dg.partition_loading_context(dynamic_partitions_store=nights.instance),
        dg.build_sensor_context(nights.instance, cursor, repository_def=repository) as context,
    ):
        data = sensor.evaluate_tick(context)
    return list(data.run_requests or ()), data.cursor


def opened(nights: Nights, name: str, models: Sequence[str], *, report: bool = True) -> Order:
    work = [Task(model, TARGET, "sample_onnx", "never built") for model in models]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return order.save(nights.store, Order(name, "nightly", now, report, work=work))


def ran(nights: Nights, request: dg.RunRequest, status: DagsterRunStatus, **tags: str) -> DagsterRun:
    assert request.job_name is not None
    run = DagsterRun(request.job_name, str(uuid4()), tags={**request.tags, **tags})
    nights.instance.add_run(run.with_status(status))
    return run


def keys(requests: Sequence[dg.RunRequest]) -> list[str | None]:
    return [request.run_key for request in requests]


def test_runs_are_asked_for_in_batches_and_the_report_when_all_are_over(nights: Nights) -> None:
    opened(nights, "one", ["m0", "m1", "m2"])
    first, cursor = tick(nights)
    second, cursor = tick(nights, cursor)
    assert keys(first) == ["one:m0/e8-int8", "one:m1/e8-int8"]
    assert keys(second) == ["one:m2/e8-int8"]
    assert first[0].tags[ORDER_TAG] == "one"
    assert first[0].tags["dagster/partition"] == "m0|e8-int8"
    ran(nights, first[0], DagsterRunStatus.SUCCESS)
    ran(nights, first[1], DagsterRunStatus.FAILURE)
    last = ran(nights, second[0], DagsterRunStatus.STARTED)
    waiting, cursor = tick(nights, cursor)
    assert keys(waiting) == []
    nights.instance.report_run_canceled(last)
    report, cursor = tick(nights, cursor)
    assert keys(report) == ["one:report"]
    ran(nights, report[0], DagsterRunStatus.SUCCESS)
    assert tick(nights, cursor)[0] == []
    assert nights.open_orders() == []


def test_a_lost_cursor_asks_for_the_same_keys_again(nights: Nights) -> None:
    opened(nights, "one", ["m0", "m1"])
    assert keys(tick(nights)[0]) == keys(tick(nights, None)[0])


def test_two_orders_are_carried_out_side_by_side(nights: Nights) -> None:
    opened(nights, "a", ["m0"], report=False)
    opened(nights, "b", ["m0", "m1"], report=False)
    first, cursor = tick(nights)
    second, cursor = tick(nights, cursor)
    assert keys([*first, *second]) == ["a:m0/e8-int8", "b:m0/e8-int8", "b:m1/e8-int8"]
    for request in (*first, *second):
        ran(nights, request, DagsterRunStatus.SUCCESS)
    assert tick(nights, cursor)[0] == []
    assert nights.open_orders() == []


def test_a_damaged_order_does_not_hold_up_the_others(nights: Nights) -> None:
    opened(nights, "good", ["m0"])
    nights.store.save("orders/bad.json", b'{"id": ')
    assert keys(tick(nights)[0]) == ["good:m0/e8-int8"]


def test_an_order_without_work_is_reported_at_once(nights: Nights) -> None:
    opened(nights, "idle", [])
    assert keys(tick(nights)[0]) == ["idle:report"]


def test_a_model_that_left_the_zoo_stops_nothing(nights: Nights) -> None:
    opened(nights, "one", ["gone", "m0"])
    assert keys(tick(nights)[0]) == ["one:m0/e8-int8"]


def test_the_report_waits_for_a_lost_run_that_is_started_again(nights: Nights) -> None:
    opened(nights, "one", ["m0"])
    asked, cursor = tick(nights)
    lost = ran(nights, asked[0], DagsterRunStatus.FAILURE, **{"dagster/will_retry": "true"})
    waiting, cursor = tick(nights, cursor)
    assert keys(waiting) == []
    again = ran(nights, asked[0], DagsterRunStatus.SUCCESS)
    nights.instance.add_run_tags(lost.run_id, {"dagster/auto_retry_run_id": again.run_id})
    assert keys(tick(nights, cursor)[0]) == ["one:report"]


def test_the_report_does_not_wait_for_ever(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    held = opened(nights, "one", ["m0"])
    asked, cursor = tick(nights)
    ran(nights, asked[0], DagsterRunStatus.STARTED)
    later = datetime.now(UTC).timestamp() + held.patience_hours * 3600
    monkeypatch.setattr(dispatch.time, "time", lambda: later - 60)
    assert keys(tick(nights, cursor)[0]) == []
    monkeypatch.setattr(dispatch.time, "time", lambda: later + 60)
    assert keys(tick(nights, cursor)[0]) == ["one:report"]


def test_the_cursor_forgets_closed_orders(nights: Nights) -> None:
    opened(nights, "one", ["m0"], report=False)
    asked, cursor = tick(nights)
    ran(nights, asked[0], DagsterRunStatus.SUCCESS)
    _, cursor = tick(nights, cursor)
    opened(nights, "two", ["m1"])
    _, cursor = tick(nights, cursor)
    assert json.loads(cursor or "") == {"two": 1}


def test_an_order_is_on_disk_whole_or_not_at_all(nights: Nights) -> None:
    opened(nights, "one", ["m0"])
    folder = Path(nights.store.inner / "orders")
    assert [path.name for path in folder.iterdir()] == ["one.json"]
    assert order.save(nights.store, Order("one", "other", "", False)).reason == "nightly"
