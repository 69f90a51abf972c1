"""Runs stages for one model and target, through the store."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from compiler.build.flow import FLOW, SOURCES, Params, Settings, Stage, Target, Zoo, needed
from compiler.build.keys import Closure, Code, Recipe
from compiler.build.remembered import Remembered
from compiler.build.store import Metadata, Record, Ref, Store
from compiler.stages.progress import Progress, silent

UNUSED = Recipe("unused", Closure(), {}, {})
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
        self.hashes = Remembered(store.inner / "sources")
        # Now, not at the first use: packages installed later are not those that this process runs.
        for stage in self.flow:
            self.code.closure(stage.module)

    def wanted(self, goals: Collection[str] | None = None) -> Sequence[Stage]:
        """The stages that lead to `goals` (all, if None), in flow order. Raises UnknownStage."""
        return self.flow if goals is None else needed(self.flow, goals)

    def source(self, model: str, name: str) -> Ref:
        """One of the model's directories with its content hash."""
        return Sources(self, model)[name]

    def recipe(self, stage: Stage, settings: Settings, target: Target, inputs: Mapping[str, Ref]) -> Recipe:
        """What decides the stage's result for these inputs."""
        return self.recipe_of(stage, stage.params(settings, target), inputs)

    def recipe_of(self, stage: Stage, params: Params | None, inputs: Mapping[str, Ref]) -> Recipe:
        """What decides the stage's result for these parameters and inputs."""
        if params is None:
            return UNUSED
        held = {name: inputs[name].hash for name in stage.reads(params)}
        return Recipe(stage.module, self.code.closure(stage.module), params, held)

    def run(
        self,
        stage: Stage,
        settings: Settings,
        target: Target,
        inputs: Mapping[str, Ref],
        progress: Progress = silent,
    ) -> Record:
        """
        The stage's record, made now if the store has none. Raises StageFailed with what the stage raised.

        The empty artifact of a stage that the target has no use for counts as a hit: nothing runs for it.
        """
        recipe = self.recipe(stage, settings, target, inputs)

        def make(out: Path) -> Metadata:
            if recipe is UNUSED:
                return {}
            work = importlib.import_module(stage.module)
            self.code.verify(stage.module)
            held = {name: ref.path if name in SOURCES else self.store.bring(ref) for name, ref in inputs.items()}
            useful = {name: path for name, path in held.items() if name in SOURCES or any(path.iterdir())}
            return work.run(useful, recipe.params, out, progress)

        try:
            record = self.store.build(recipe.key, recipe.plain(), make)
            return replace(record, hit=True) if recipe is UNUSED else record
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
        sources = Sources(self, settings.name)
        refs: dict[str, Ref] = {}
        records: dict[str, Record] = {}
        with self.store.locked(partition.replace("/", "|")):
            for stage in self.wanted(goals):
                listener.started(stage.name)
                reads = stage.reads(stage.params(settings, target))
                inputs = {name: sources[name] if name in SOURCES else refs[name] for name in reads}
                record = self.run(
                    stage, settings, target, inputs, lambda done, total, s=stage.name: listener.progress(s, done, total)
                )
                if show:
                    self.store.point(partition, stage.name, record)
                refs[stage.name], records[stage.name] = record.ref, record
                listener.finished(stage.name, record)
        return records


class Sources(Mapping[str, Ref]):
    """A model's directories with their content hashes, each looked at when it is first asked for."""

    def __init__(self, builder: Builder, model: str) -> None:
        self._builder, self._model = builder, model
        self._held: dict[str, Ref] = {}

    @cached_property
    def _paths(self) -> Mapping[str, Path]:
        return self._builder.zoo.files(self._model)

    def __getitem__(self, name: str) -> Ref:
        if name not in self._held:
            path = self._paths[name]
            self._held[name] = Ref(self._builder.hashes.of_directory(path), path)
        return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)
