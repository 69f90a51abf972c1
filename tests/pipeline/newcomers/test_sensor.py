"""The watched folder: what is dropped there is built, what is bad is said once, and no file stops the sensor."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import onnx
import pytest

from assets.partitions import MODELS
from assets.resources import resources
from assets.workshop import Workshop
from assets.zoo import record
from assets.zoo.add import Wishes, add
from compiler.build.flow import FLOW, Target
from pipeline.definitions import over
from pipeline.newcomers import tick
from pipeline.newcomers.sensor import ASSET, CHECK, newcomers, newcomers_asset, readable
from tests.assets.zoo import nets
from tests.offline_zoo import OfflineZoo

LENET = record.ROOT / "models" / "lenet_mnist.onnx"
QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Watched:
    """A folder under the sensor, ticked by hand."""

    folder: Path
    workshop: Workshop
    instance: dg.DagsterInstance
    cursor: str | None = None

    def tick(self) -> dg.SensorResult:
        """One evaluation, with what the daemon does of its result."""
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, resources=resources(self.workshop)
        )
        result = newcomers(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        for request in result.dynamic_partitions_requests or ():
            if isinstance(request, dg.AddDynamicPartitionsRequest):
                self.instance.add_dynamic_partitions(str(MODELS.name), list(request.partition_keys))
            else:
                for key in request.partition_keys:
                    self.instance.delete_dynamic_partition(str(MODELS.name), key)
        for event in result.asset_events:
            self.instance.report_runless_asset_event(event)
        return result

    def settle(self) -> list[dg.RunRequest]:
        """The tick that sees what has just changed, and the requests of the one that believes it."""
        assert not self.tick().run_requests
        return list(self.tick().run_requests or ())

    def models(self) -> set[str]:
        return set(self.instance.get_dynamic_partitions(str(MODELS.name)))

    def verdict(self) -> tuple[bool, list[dict[str, Any]]]:
        """Whether the check holds, and its rows."""
        key = dg.AssetCheckKey(ASSET, CHECK)
        summary = self.instance.event_log_storage.get_asset_check_summary_records([key])[key]
        held = summary.last_check_execution_record
        assert held is not None
        assert held.event is not None
        evaluation: Any = held.event.asset_check_evaluation
        rows = evaluation.metadata.get("table")
        return evaluation.passed, [dict(row.data) for row in rows.records] if rows else []

    def said(self) -> int:
        """How often the check was evaluated."""
        return len(
            self.instance.event_log_storage.get_asset_check_execution_history(dg.AssetCheckKey(ASSET, CHECK), 99)
        )


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """An empty folder that has been ticked once."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("TPUFLOW_MODELS", str(folder))
    monkeypatch.setenv("TPUFLOW_CACHE", str(tmp_path / "cache"))
    made = Watched(folder, Workshop(tmp_path / "build"), dg.DagsterInstance.ephemeral())
    assert not made.tick().run_requests
    return made


def sound(folder: Path, name: str = "net") -> Path:
    """A sound record, of the two-input network."""
    onnx.save_model(nets.two_inputs(), folder.parent / "net.onnx")
    return add(folder.parent / "net.onnx", folder, Wishes(name, force=True)).path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


@pytest.mark.filterwarnings("ignore:Non-compliant tag keys")
def test_the_daemon_accepts_a_run_of_the_partition_that_the_same_tick_adds(watched: Watched, tmp_path: Path) -> None:
    shutil.copyfile(LENET, watched.folder / "lenet.onnx")
    watched.tick()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        context = dg.SensorEvaluationContext(
            instance_ref=instance.get_ref(),
            last_tick_completion_time=None,
            last_run_key=None,
            cursor=watched.cursor,
            repository_name=None,
            repository_def=over(watched.workshop).get_repository_def(),
            resources=resources(watched.workshop),
        )
        with context:
            result = newcomers.evaluate_tick(context)
    (request,) = list(result.run_requests or ())
    assert request.tags["dagster/partition"] == "lenet|x64-int8"
    assert request.tags["tpuflow/reason"]


def test_a_dropped_onnx_file_is_built(watched: Watched) -> None:
    shutil.copyfile(LENET, watched.folder / "lenet.onnx")
    (request,) = watched.settle()
    assert watched.models() >= {"lenet"}
    job = over(watched.workshop).resolve_job_def("build")
    result = job.execute_in_process(
        run_config=QUIET,
        instance=watched.instance,
        partition_key=request.partition_key,
        resources=resources(watched.workshop),
    )
    assert result.success
    shown = watched.workshop.builder.store.refs("lenet/x64-int8")
    assert set(shown) == {stage.name for stage in FLOW if stage.name in shown} >= {"sample_model", "comparison"}
    assert (watched.workshop.builder.store.object_path(shown["sample_model"].object) / "sample.model").is_file()
    assert watched.verdict() == (True, [])
    again = watched.tick()
    assert not again.run_requests
    assert not again.asset_events


def test_the_models_of_the_repository_become_partitions_and_are_not_built_for_being_there(watched: Watched) -> None:
    assert watched.models() == set(record.committed()) - set(record.optional())
    assert not watched.tick().run_requests


def test_a_record_that_comes_to_the_repository_is_built_and_one_that_changes_is_not(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = watched.folder.parent / "records"
    shutil.copytree(record.RECORDS, records)
    monkeypatch.setattr(record, "RECORDS", records)
    late = records / "lenet_mnist.yaml"
    late.rename(records / "away")
    watched.cursor = None
    watched.tick()
    (records / "away").rename(late)
    (request,) = list(watched.tick().run_requests or ())
    assert str(request.partition_key) == "lenet_mnist|x64-int8"
    edit(late, "samples: 100\n", "samples: 90\n")
    assert not watched.tick().run_requests


def test_every_target_of_a_record_is_asked_for_and_again_only_when_its_content_changes(watched: Watched) -> None:
    path = sound(watched.folder)
    edit(path, "targets: [x64-int8]", "targets: [x64-int8, e8-bf16]")
    first = watched.settle()
    assert [str(request.partition_key) for request in first] == ["net|x64-int8", "net|e8-bf16"]
    edit(path, "# Written", "# Rewritten")
    assert not watched.settle()
    edit(path, "method: auto", "method: max")
    second = watched.settle()
    assert len(second) == 2
    assert {request.run_key for request in first}.isdisjoint(request.run_key for request in second)


def test_what_the_store_has_is_not_run(watched: Watched) -> None:
    sound(watched.folder)
    builder = watched.workshop.builder
    builder.build(builder.zoo.settings("net"), Target.parse("x64-int8"))
    watched.tick()
    result = watched.tick()
    assert not result.run_requests
    assert "net" in watched.models()
    assert "nothing to run" in str(result.skip_reason)


def test_a_new_onnx_file_behind_an_old_record_is_built(watched: Watched) -> None:
    path = sound(watched.folder)
    assert watched.settle()
    model = nets.two_inputs()
    model.graph.node[1].op_type = "Sigmoid"
    onnx.save_model(model, path.with_name("net.onnx"))
    assert watched.settle()


def test_a_return_to_what_was_built_before_is_shown_again_without_a_run(watched: Watched) -> None:
    path = sound(watched.folder)
    builder = watched.workshop.builder
    target = Target.parse("x64-int8")
    shown: list[str] = []
    for old, new in (("", ""), ("method: auto", "method: max")):
        edit(path, old, new)
        watched.settle()
        builder.build(builder.zoo.settings("net"), target)
        shown.append(builder.store.refs("net/x64-int8")["cali_table"].key)
    edit(path, "method: max", "method: auto")
    assert not watched.settle()
    assert shown[0] != shown[1]
    assert builder.store.refs("net/x64-int8")["cali_table"].key == shown[0]


def test_a_model_that_the_workshop_does_not_know_is_left_alone(watched: Watched, tmp_path: Path) -> None:
    watched.workshop = Workshop(tmp_path / "build", OfflineZoo(tmp_path / "zoo"))
    watched.instance.delete_dynamic_partition(str(MODELS.name), "resnet8")
    sound(watched.folder)
    assert not watched.settle()
    assert not watched.models().intersection({"net", "resnet8"})


def test_many_models_are_looked_into_over_several_ticks(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tick, "SECONDS", -1.0)
    for name in ("one", "two", "three"):
        sound(watched.folder, name)
    watched.tick()
    built = [[str(r.partition_key) for r in watched.tick().run_requests or ()] for _ in range(4)]
    assert built == [["one|x64-int8"], ["three|x64-int8"], ["two|x64-int8"], []]


def test_a_file_still_on_its_way_is_waited_for(watched: Watched) -> None:
    content = LENET.read_bytes()
    target = watched.folder / "lenet.onnx"
    for share in (0.3, 0.6, 0.9):
        target.write_bytes(content[: int(share * len(content))])
        result = watched.tick()
        assert not result.run_requests
        assert "waiting for lenet.onnx" in str(result.skip_reason)
    target.write_bytes(content)
    assert watched.settle()
    assert watched.verdict() == (True, [])


def test_a_removed_record_loses_its_partition_at_the_second_look(watched: Watched) -> None:
    path = sound(watched.folder)
    watched.settle()
    aside = path.rename(path.with_suffix(".away"))
    watched.tick()
    assert "net" in watched.models()
    aside.rename(path)
    watched.tick()
    watched.tick()
    assert "net" in watched.models()
    path.unlink()
    watched.tick()
    watched.tick()
    assert "net" not in watched.models()
    assert not watched.tick().dynamic_partitions_requests


def test_an_onnx_file_whose_record_was_taken_away_gets_one_again_only_when_it_changes(watched: Watched) -> None:
    path = sound(watched.folder)
    watched.settle()
    path.unlink()
    for _ in range(4):
        watched.tick()
    assert not path.exists()
    model = nets.two_inputs()
    model.producer_name = "exported again"
    onnx.save_model(model, path.with_suffix(".onnx"))
    assert watched.settle()
    assert path.exists()


def test_a_folder_that_is_away_takes_no_partition_with_it(watched: Watched) -> None:
    sound(watched.folder)
    watched.settle()
    aside = watched.folder.rename(watched.folder.with_name("away"))
    for _ in range(3):
        assert "no folder" in str(watched.tick().skip_reason)
    aside.rename(watched.folder)
    assert not watched.settle()
    assert "net" in watched.models()


def broken_yaml(path: Path) -> None:
    path.write_text("name: net\nsource: [")


def unknown_field(path: Path) -> None:
    edit(path, "licence:", "license:")


def unknown_data_set(path: Path) -> None:
    edit(path, "dataset: seeded_normal", "dataset: imagenet")


def no_such_file(path: Path) -> None:
    edit(path, "file: net.onnx", "file: other.onnx")


def truncated(path: Path) -> None:
    onnx_file = path.with_suffix(".onnx")
    onnx_file.write_bytes(onnx_file.read_bytes()[:-9])


def unsupported_op(path: Path) -> None:
    model = nets.two_inputs()
    model.graph.node[0].domain = "nobody.knows"
    onnx.save_model(model, path.with_suffix(".onnx"))


def dynamic_length(path: Path) -> None:
    path.unlink()
    onnx.save_model(nets.dense(("batch", "length", 8)), path.with_suffix(".onnx"))


def odd_name(path: Path) -> None:
    path.unlink()
    path.with_suffix(".onnx").rename(path.with_name("my net.onnx"))


def other_ending(path: Path) -> None:
    path.with_suffix(".onnx").unlink()
    path.rename(path.with_suffix(".yml"))


def of_the_repository(path: Path) -> None:
    path.rename(path.with_name("resnet8.yaml"))


BAD: dict[Callable[[Path], None], tuple[str, str, str]] = {
    broken_yaml: ("net.yaml", "", "isn't YAML"),
    unknown_field: ("net.yaml", "license", "did you mean licence?"),
    unknown_data_set: ("net.yaml", "calibration.dataset", "no data set 'imagenet'; there are fashion_mnist"),
    no_such_file: ("net.yaml", "source.file", "there is no file other.onnx"),
    truncated: ("net.yaml", "source.file", "net.onnx isn't an ONNX model, or was cut short"),
    unsupported_op: ("net.yaml", "source.file", "'nobody.knows'"),
    dynamic_length: ("net.onnx", "", "x [batch, length, 8]; give them, such as --input x=1,128,8"),
    odd_name: ("my net.onnx", "", "'my net' can't name a model"),
    other_ending: ("net.yml", "", "rename it to net.yaml"),
    of_the_repository: ("resnet8.yaml", "name", "the repository has a model 'resnet8'; rename this one"),
}


@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__)
def test_a_bad_file_is_one_failed_check_that_passes_once_it_is_mended(
    watched: Watched, spoil: Callable[[Path], None]
) -> None:
    path = sound(watched.folder)
    good = {file.name: file.read_bytes() for file in watched.folder.iterdir()}
    spoil(path)
    assert not watched.settle()
    file, field, said = BAD[spoil]
    passed, (row,) = watched.verdict()
    assert not passed
    assert (Path(row["file"]).name, row["field"]) == (file, field)
    assert said in row["wrong"]
    times = watched.said()
    assert not watched.settle()
    assert watched.said() == times
    for held in watched.folder.iterdir():
        held.unlink()
    for name, content in good.items():
        (watched.folder / name).write_bytes(content)
    assert watched.settle()
    assert watched.verdict() == (True, [])
    assert "net" in watched.models()


def test_a_bad_file_does_not_stop_the_others(watched: Watched) -> None:
    broken_yaml(sound(watched.folder))
    sound(watched.folder, "other")
    shutil.copyfile(LENET, watched.folder / "lenet.onnx")
    assert {request.partition_key for request in watched.settle()} == {
        "lenet|x64-int8",
        "other|x64-int8",
    }
    assert not watched.verdict()[0]


def test_a_reader_that_breaks_is_a_fault_of_that_file(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise RecursionError("too deep")

    sound(watched.folder)
    monkeypatch.setattr("assets.zoo.examine.look", breaks)
    watched.settle()
    passed, (row,) = watched.verdict()
    assert (passed, row["wrong"]) == (False, "RecursionError: too deep")


def test_the_check_can_be_run_by_hand(watched: Watched) -> None:
    broken_yaml(sound(watched.folder))
    result = dg.materialize([newcomers_asset, readable], selection=dg.AssetSelection.checks(readable))
    (evaluation,) = result.get_asset_check_evaluations()
    assert not evaluation.passed
