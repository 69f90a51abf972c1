"""
One partition's part of Dagster's event log, written from what the store shows, as a run would have written it.

Dagster calls a partition stale where the latest materialization names another code version than the asset has now, or
where an input has had another version since the event that the materialization points to. All of that is in the
record's recipe: the code it was made by, the hashes of its inputs, the settings.
"""

from functools import cached_property

import dagster as dg
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.utils import make_new_run_id

from assets.flow import ABOUT
from assets.partitions import key_of
from assets.sources import FILES, UNUSED, settings_key, settings_version
from assets.told import VERSION_LENGTH, told
from assets.workshop import Workshop
from compiler.build import hashes
from compiler.build.builder import partition_of
from compiler.build.flow import Settings, Stage, Target
from compiler.build.store import Record, Ref

DATA_VERSION = "dagster/data_version"
CODE_VERSION = "dagster/code_version"
INPUT_VERSION = "dagster/input_data_version/"
INPUT_EVENT = "dagster/input_event_pointer/"

Partition = tuple[str, Target]

JOB = "mirror"
"""What the runs list calls a run that only tells of results."""

BEFORE_ALL = -1
"""The event that an input's version is said to come from where it has another now: any event at all is later."""


def source_versions(workshop: Workshop, settings: Settings, target: Target) -> dict[str, str]:
    """By asset, what each source of the partition is now; files that are not here are left out."""
    builder = workshop.builder
    here = builder.zoo.present(settings.name)
    files = {name: builder.source(settings.name, name).hash[:VERSION_LENGTH] for name in FILES if here}
    return files | {_settings_of(s): settings_version(s, settings, target) for s in builder.flow if s.knobs}


class Verdicts:
    """
    Results of checks, under a run of their own that is there once there is one.

    Without a run, Dagster keeps one result of a partition's check and fails at the next.
    """

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance

    @cached_property
    def _run(self) -> str:
        run = dg.DagsterRun(JOB, make_new_run_id(), status=dg.DagsterRunStatus.SUCCESS)
        return self._instance.run_storage.add_run(run).run_id

    def report(self, asset: dg.AssetKey, check: dg.AssetCheckResult, partition: str) -> None:
        """One check's result for a partition."""
        assert check.check_name is not None
        found = dg.AssetCheckEvaluation(asset, check.check_name, check.passed, check.metadata, partition=str(partition))
        event = DagsterEvent(DagsterEventType.ASSET_CHECK_EVALUATION.value, JOB, event_specific_data=found)
        self._instance.report_dagster_event(event, self._run)


class Mirror:
    """The partition of a model and target."""

    def __init__(self, instance: dg.DagsterInstance, workshop: Workshop, partition: Partition, run: "Verdicts") -> None:
        model, target = partition
        self._instance, self._builder, self._verdicts = instance, workshop.builder, run
        self._settings, self._target = workshop.builder.zoo.settings(model), target
        self._sources = source_versions(workshop, self._settings, target)
        self._key = key_of(model, target)
        self._latest: dict[str, tuple[int, str]] = {}
        """By asset, the latest event that gave it a version, and that version."""

    def observe(self) -> int:
        """Report the sources whose version is not the one last observed; how many."""
        return sum(self._observe(name, version) for name, version in self._sources.items())

    def report(self) -> int:
        """Report the stages whose latest materialization is not of the record shown, inputs first; how many."""
        shown = self._builder.store.refs(partition_of(self._settings.name, self._target))
        return sum(self._report(stage, shown[stage.name].key) for stage in self._builder.flow if stage.name in shown)

    def _observe(self, name: str, version: str) -> bool:
        partition = self._settings.name if name in FILES else self._key
        event, tags = self._event(name, is_source=True)
        due = tags.get(DATA_VERSION) != version
        if due:
            asset = dg.AssetKey.from_user_string(name)
            self._instance.report_runless_asset_event(
                dg.AssetObservation(asset, partition=partition, tags={DATA_VERSION: version})
            )
            event, _ = self._event(name, is_source=True)
        self._latest[name] = event, version
        return due

    def _report(self, stage: Stage, key: str) -> bool:
        record = self._builder.store.get(key)
        if record is None:
            return False
        versions = self._versions(stage, record)
        event, tags = self._event(stage.name, is_source=False)
        due = any(tags.get(name) != versions[name] for name in (DATA_VERSION, CODE_VERSION)) or any(
            self._misjudged(tag.removeprefix(INPUT_VERSION), version, tags)
            for tag, version in versions.items()
            if tag.startswith(INPUT_VERSION)
        )
        if due:
            self._materialize(stage, record, versions)
            event, _ = self._event(stage.name, is_source=False)
        self._latest[stage.name] = event, versions[DATA_VERSION]
        return due

    def _versions(self, stage: Stage, record: Record) -> dict[str, str]:
        """The tags that say what the artifact is and what it was made from."""
        recipe = record.recipe
        unused = not recipe["code"]
        code = self._builder.code.digest(stage.module) if unused else str(recipe["code"])
        versions = {DATA_VERSION: record.ref.hash[:VERSION_LENGTH], CODE_VERSION: code[:VERSION_LENGTH]}
        for name in stage.inputs:
            now = self._latest[name][1] if name in self._latest else ""
            versions[INPUT_VERSION + name] = recipe["inputs"].get(name, now)[:VERSION_LENGTH] if not unused else now
        if stage.knobs:
            read = UNUSED if unused else hashes.of_value(recipe["params"])[:VERSION_LENGTH]
            versions[INPUT_VERSION + _settings_of(stage)] = read
        return versions

    def _pointers(self, versions: dict[str, str]) -> dict[str, str]:
        """For each input, the event that gave it the version recorded."""
        pointers = dict[str, str]()
        for tag, version in versions.items():
            if tag.startswith(INPUT_VERSION):
                name = tag.removeprefix(INPUT_VERSION)
                event, now = self._latest.get(name, (BEFORE_ALL, ""))
                pointers[INPUT_EVENT + name] = str(event if now == version else BEFORE_ALL)
        return pointers

    def _misjudged(self, name: str, version: str, tags: dict[str, str]) -> bool:
        """
        Whether Dagster would call the stage stale by that input, made from `version` of it, and it is not, or is.

        It does so if the input has another version than at the event that the materialization points to, which need not
        be one of this partition.
        """
        if name not in self._latest:
            return False
        latest, now = self._latest[name]
        pointer = tags.get(INPUT_EVENT + name, "")
        if pointer == str(BEFORE_ALL):
            called_stale = True
        elif not pointer.isdigit() or int(pointer) >= latest:
            called_stale = False
        else:
            source = name in self._sources
            called_stale = self._event(name, is_source=source, before=int(pointer) + 1)[1].get(DATA_VERSION) != now
        return called_stale != (version != now)

    def _materialize(self, stage: Stage, record: Record, versions: dict[str, str]) -> None:
        inputs = record.recipe["inputs"]
        upstream = {name: Ref(digest, self._builder.store.object_path(digest)) for name, digest in inputs.items()}
        say = told(self._builder, stage, ABOUT[stage.name], self._settings, self._target, record, upstream)
        self._instance.report_runless_asset_event(
            dg.AssetMaterialization(
                stage.name,
                partition=self._key,
                metadata=say.metadata,
                tags={**say.tags, **versions, **self._pointers(versions)},
            )
        )
        for check in say.checks:
            self._verdicts.report(dg.AssetKey(stage.name), check, self._key)

    def _event(self, name: str, *, is_source: bool, before: int | None = None) -> tuple[int, dict[str, str]]:
        """The latest event that gave the asset a version here, and its tags; BEFORE_ALL if there is none."""
        asset = dg.AssetKey.from_user_string(name)
        partition = self._settings.name if name in FILES else str(self._key)
        held = self._instance.get_latest_data_version_record(
            asset, is_source=is_source, partition_key=partition, before_cursor=before
        )
        if held is None:
            return BEFORE_ALL, {}
        event = held.asset_observation if is_source else held.asset_materialization
        return held.storage_id, dict(event.tags or {}) if event else {}


def _settings_of(stage: Stage) -> str:
    """The name of the asset that holds the settings a stage reads."""
    assert stage.knobs is not None
    return settings_key(stage.knobs).to_user_string()
