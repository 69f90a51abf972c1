"""Runs stages for one model and target, through the store."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compiler.build import hashes
from compiler.build.flow import FLOW, SOURCES, Settings, Stage, Target, Zoo, needed
from compiler.build.keys import Code, Recipe
from compiler.build.store import Metadata, Record, Ref, Store
from compiler.stages.progress import Progress, silent

UNUSED = Recipe("unused", {}, {}, {})
"""The recipe of every stage that its target has no use for: an empty artifact whose hash never moves."""


class StageFailed(Exception):
    """A stage could not make its artifact; the cause says why."""

    def __init__(self, partition: str, stage: str, cause: Exception) -> None:
        super().__init__(f"{partition}, stage {stage}: {cause}")
        self.partition, self.stage, self.cause = partition, stage, cause


@dataclass(frozen=True)
class Listener:
    """Hears about each stage of a build: before it starts, while it works, and when its record is there."""

    def started(self, stage: str) -> None:
        """The stage is looked up, and run if it has to be."""

    def progress(self, stage: str, done: int, total: int) -> None:
        """The running stage has done so many of its steps."""

    def finished(self, stage: str, record: Record) -> None:
        """The stage's artifact is in the store."""


QUIET = Listener()


def partition_of(model: str, target: Target) -> str:
    """The name of a model and target in the store: `<model>/<target>`."""
    return f"{model}/{target}"


class Builder:
    """The flow over a store and a zoo."""

    def __init__(self, store: Store, zoo: Zoo, code: Code | None = None, flow: Sequence[Stage] = FLOW) -> None:
        self.store, self.zoo, self.flow = store, zoo, tuple(flow)
        self.code = code or Code()
        self.stages = {stage.name: stage for stage in self.flow}

    def source(self, model: str, name: str) -> Ref:
        """One of the model's directories with its content hash."""
        path = self.zoo.files(model)[name]
        return Ref(hashes.of_directory(path), path)

    def recipe(self, stage: Stage, settings: Settings, target: Target, inputs: Mapping[str, Ref]) -> Recipe:
        """What decides the stage's result for these inputs."""
        params = stage.params(settings, target)
        if params is None:
            return UNUSED
        held = {name: inputs[name].hash for name in stage.inputs}
        return Recipe(stage.module, self.code.closure(stage.module), params, held)

    def run(
        self,
        stage: Stage,
        settings: Settings,
        target: Target,
        inputs: Mapping[str, Ref],
        progress: Progress = silent,
    ) -> Record:
        """The stage's record, made now if the store has none. Raises StageFailed with what the stage raised."""
        recipe = self.recipe(stage, settings, target, inputs)

        def make(out: Path) -> Metadata:
            if recipe is UNUSED:
                return {}
            work = importlib.import_module(stage.module)
            self.code.verify(stage.module)
            useful = {name: ref.path for name, ref in inputs.items() if name in SOURCES or any(ref.path.iterdir())}
            return work.run(useful, recipe.params, out, progress)

        try:
            return self.store.build(recipe.key, recipe.plain(), make)
        except Exception as error:
            raise StageFailed(partition_of(settings.name, target), stage.name, error) from error

    def build(
        self,
        settings: Settings,
        target: Target,
        goals: Collection[str] | None = None,
        listener: Listener = QUIET,
        show: bool = True,
    ) -> dict[str, Record]:
        """
        Make every stage that leads to `goals` (all, if None) and show it in the partition. Raises StageFailed.

        Without `show` the partition goes on showing what it did: for experiments that nobody looks at afterwards.
        """
        partition = partition_of(settings.name, target)
        stages = self.flow if goals is None else needed(self.flow, goals)
        refs: dict[str, Ref] = {}
        records: dict[str, Record] = {}
        with self.store.locked(partition.replace("/", "|")):
            for stage in stages:
                listener.started(stage.name)
                if stage.params(settings, target) is not None:
                    for name in stage.inputs:
                        if name in SOURCES and name not in refs:
                            refs[name] = self.source(settings.name, name)
                inputs = {name: refs[name] for name in stage.inputs if name in refs}
                record = self.run(
                    stage, settings, target, inputs, lambda done, total, s=stage.name: listener.progress(s, done, total)
                )
                if show:
                    self.store.point(partition, stage.name, record)
                refs[stage.name], records[stage.name] = record.ref, record
                listener.finished(stage.name, record)
        return records
