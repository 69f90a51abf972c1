"""A zoo built on several machines for real: queue, database, store and workers on this machine's loopback."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.events import DagsterEventType
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.storage.tags import BACKFILL_ID_TAG, PARENT_RUN_ID_TAG

from assets.flow import STAGE_ASSETS
from assets.partitions import key_of
from compiler.build import hashes
from compiler.build.builder import Builder, partition_of
from compiler.build.flow import FLOW, Target
from compiler.build.record import head_of, readable
from compiler.build.shared import SharedStore, open_store
from compiler.build.store import Store
from pipeline.instance import open_instance
from tests.deploy import definitions, services
from tests.deploy.definitions import MODELS, TARGETS, TwoModels
from tests.deploy.services import Cluster, until

pytestmark = [
    pytest.mark.skipif(services.absent() is not None, reason=f"not installed: {services.absent()}"),
    pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources`:DeprecationWarning"),
]

MODULE = "tests.deploy.definitions"
PARTITIONS = [(model, Target.parse(target)) for model in MODELS for target in TARGETS]
POOL_LIMIT = 1
HEAVY = [name for name, asset in STAGE_ASSETS.items() if asset.op.pool]
STEP_OVER = {DagsterEventType.STEP_SUCCESS, DagsterEventType.STEP_FAILURE}
BACKFILL = "zoo"
OF_BACKFILL = dg.RunsFilter(tags={BACKFILL_ID_TAG: BACKFILL})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def zoo(folder: Path) -> TwoModels:
    return TwoModels(folder / "zoo")


def settings(folder: Path) -> Path:
    """The settings of `deploy/`, but watched and asked more often than is good for a real cluster."""
    held: dict[str, Any] = yaml.safe_load((services.REPOSITORY / "deploy" / "dagster.yaml").read_text())
    held["run_launcher"]["config"]["silent_seconds"] = 2
    held["run_monitoring"]["poll_interval_seconds"] = 1
    held["run_monitoring"]["free_slots_after_run_end_seconds"] = 1
    held["run_queue"]["dequeue_interval_seconds"] = 1
    held["concurrency"]["pools"]["default_limit"] = POOL_LIMIT
    held["concurrency"]["runs"]["max_concurrent_runs"] = 2
    path = folder / "dagster.yaml"
    path.write_text(yaml.safe_dump(held))
    return path


@pytest.fixture(scope="module")
def cluster(folder: Path, zoo: TwoModels) -> Generator[Cluster]:
    with services.cluster(folder, settings(folder), OFFLINE_ZOO=str(folder / "zoo")) as up:
        yield up


@pytest.fixture(scope="module")
def instance(cluster: Cluster, zoo: TwoModels) -> Generator[dg.DagsterInstance]:
    """The cluster's instance, as the machine sees it that the daemon is on; that and two workers are up."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in cluster.of_machine("main").items():
            patched.setenv(name, value)
        with open_instance(zoo) as opened, cluster.worker("one"), cluster.worker("two"), cluster.daemon(MODULE):
            yield opened


def launch_backfill(instance: dg.DagsterInstance, zoo: TwoModels) -> None:
    """What "Materialize all" in the UI asks for, of every stage and partition."""
    graph = definitions.over(definitions.Workshop(zoo=zoo)).resolve_asset_graph()
    instance.add_backfill(
        PartitionBackfill.from_asset_partitions(
            backfill_id=BACKFILL,
            asset_graph=graph,
            partition_names=[str(key_of(model, target)) for model, target in PARTITIONS],
            asset_selection=[dg.AssetKey(stage.name) for stage in FLOW],
            backfill_timestamp=time.time(),
            tags={},
            dynamic_partitions_store=instance,
            all_partitions=False,
            title=None,
            description=None,
            run_config=None,
        )
    )


def begun(instance: dg.DagsterInstance) -> dg.DagsterRun | None:
    """A run of which a step has started and which is not over."""
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        if instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_START):
            return run
    return None


def worker_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """The name of the worker that executes a run."""
    launcher: Any = instance.run_launcher
    return launcher.celery.AsyncResult(run.tags["dagster-celery/task_id"]).info["hostname"].partition("@")[0]


def kill_in_the_middle_of_a_run(instance: dg.DagsterInstance, cluster: Cluster) -> tuple[str, str]:
    """Kill a worker with all its processes while it executes a step; the run's id and the worker's name."""
    while True:
        run = until("a step that has started", lambda: begun(instance), log=cluster.folder)
        worker = worker_of(instance, run)
        group = cluster.workers[worker].pid
        os.killpg(group, signal.SIGSTOP)
        held = instance.get_run_by_id(run.run_id)
        if held is not None and not held.is_finished:
            os.killpg(group, signal.SIGKILL)
            return run.run_id, worker
        os.killpg(group, signal.SIGCONT)


def all_finished(instance: dg.DagsterInstance) -> dict[str, str] | None:
    """The status of the last run of each partition, once every partition had one that succeeded."""
    last: dict[str, str] = {}
    for run in reversed(instance.get_runs(OF_BACKFILL)):
        last[run.tags["dagster/partition"]] = run.status.value
    return last if len(last) == len(PARTITIONS) and set(last.values()) == {"SUCCESS"} else None


def objects(store: Store) -> Mapping[str, str]:
    """The content hash of every stage of every partition."""
    shown = {partition_of(model, target): store.refs(partition_of(model, target)) for model, target in PARTITIONS}
    return {f"{name}/{stage}": held.object for name, refs in shown.items() for stage, held in refs.items()}


def built_here(root: Path, zoo: TwoModels) -> Mapping[str, str]:
    """The same, built by one process on one machine."""
    builder = Builder(Store(root), zoo)
    for model, target in PARTITIONS:
        builder.build(zoo.settings(model), target)
    return objects(builder.store)


def halves(store: SharedStore) -> Iterator[str]:
    """What is in the remote by halves: records that can't be read, refs to nothing, objects with other contents."""
    keys = set[str]()
    for name in store.names("records"):
        text = store.load(name) or b""
        head = head_of(text)
        keys.add(Path(name).stem)
        if head is None or not readable(text):
            yield name
        elif hashes.of_directory(store.fetch(head.object)) != head.object:
            yield f"cas/{head.object}"
    for name in store.names("refs"):
        for held in json.loads(store.load(name) or b"{}").values():
            if held["key"] not in keys:
                yield f"{name}: {held['key']}"


def at_once(instance: dg.DagsterInstance, runs: Sequence[dg.DagsterRun], steps: Collection[str]) -> int:
    """The most of these steps that were ever being executed at the same time, on all machines together."""
    moves: list[tuple[float, int]] = []
    for run in runs:
        record = instance.get_run_record_by_id(run.run_id)
        assert record is not None
        assert record.end_time is not None
        over = {event.step_key: event.timestamp for event in instance.all_logs(run.run_id, STEP_OVER)}
        for event in instance.all_logs(run.run_id, DagsterEventType.STEP_START):
            if event.step_key in steps:
                moves += [(event.timestamp, 1), (over.get(event.step_key, record.end_time), -1)]
    return max(itertools.accumulate(move for _, move in sorted(moves)))


def test_a_zoo_is_built_though_a_worker_is_killed(
    cluster: Cluster, instance: dg.DagsterInstance, zoo: TwoModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch_backfill(instance, zoo)
    lost, worker = kill_in_the_middle_of_a_run(instance, cluster)
    with cluster.worker(f"{worker}-again"):
        until("a successful run of every partition", lambda: all_finished(instance), 240, cluster.folder)
    runs = instance.get_runs(OF_BACKFILL)
    retried = [run for run in runs if run.tags.get(PARENT_RUN_ID_TAG) == lost]
    assert [run.run_id for run in runs if run.status is dg.DagsterRunStatus.FAILURE] == [lost]
    assert [run.status for run in retried] == [dg.DagsterRunStatus.SUCCESS]
    assert len(runs) == len(PARTITIONS) + 1
    monkeypatch.setenv("TPUFLOW_STORE_CACHE", str(tmp_path / "looker"))
    remote = open_store(cluster.environment["TPUFLOW_STORE"])
    assert isinstance(remote, SharedStore)
    found = objects(remote)
    assert len(found) == len(PARTITIONS) * len(FLOW)
    assert found == built_here(tmp_path / "alone", zoo)
    assert list(halves(remote)) == []
    assert at_once(instance, runs, [stage.name for stage in FLOW]) == 2
    assert at_once(instance, runs, HEAVY) == POOL_LIMIT
