"""
Experiments on one model and target: change something, and see what it does to the rest.

    net = load("resnet8", "x64-int8")
    kl = net.changed(calibration={"method": "kl"})
    tight = net.with_thresholds({"/relu/Relu_output_0_Relu": 4.0})
    mixed = net.on("x64-mix").with_qtable({"logits_Gemm": "BF16"})

A build makes what is asked of it and what that needs; what is in the store is not made again. What a partition shows
is never touched: `shown` reads that.
"""

import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from assets.explore.artifacts import NotMade
from assets.explore.tables import Tables
from assets.workshop import Workshop
from assets.zoo.record import ROOT
from compiler.build import hashes
from compiler.build.builder import Builder, partition_of
from compiler.build.flow import SOURCES, Settings, Target, UnknownStage
from compiler.build.keys import Closure, Recipe
from compiler.build.store import Record, Ref
from compiler.ir.network import Array
from compiler.npz import read_npz
from compiler.quantization import table
from simulator.runtime import PyRuntime

Edit = Callable[[Path], None]
"""Changes the files of an artifact in place; the directory is a copy of its own."""


class UnknownSetting(ValueError):
    """A setting is changed that a model does not have; the message lists those there are."""


class UnknownTensor(LookupError):
    """A threshold is set of a tensor that was not calibrated; the message names it."""


class NotMixed(ValueError):
    """A qtable is given to a mode that does not read one; the message says which does."""


class Build(Tables):
    """One model for one target with these settings and edits; nothing changes it: every change makes another."""

    def __init__(
        self, builder: Builder, settings: Settings, target: Target, edits: Mapping[str, Sequence[Edit]] | None = None
    ) -> None:
        super().__init__(partition_of(settings.name, target), lambda stage: builder.store.bring(self._ref(stage)))
        self.builder, self.settings, self.target = builder, settings, target
        self._edits = dict(edits or {})
        self._refs: dict[str, Ref] = {}

    def changed(self, **settings: Any) -> "Build":
        """
        The same with other settings; those that are mappings, such as `calibration`, keep the entries not named.

        Raises UnknownSetting.
        """
        held: dict[str, Any] = {field.name: getattr(self.settings, field.name) for field in fields(Settings)}
        del held["name"]
        if unknown := sorted(settings.keys() - held.keys()):
            raise UnknownSetting(f"no setting {', '.join(unknown)}; there are {', '.join(held)}")
        merged = {name: held[name] | value if isinstance(value, dict) else value for name, value in settings.items()}
        return Build(self.builder, replace(self.settings, **merged), self.target, self._edits)

    def on(self, target: str) -> "Build":
        """The same for another target. Raises UnknownTarget."""
        return Build(self.builder, self.settings, Target.parse(target), self._edits)

    def with_qtable(self, entries: Mapping[str, str | float]) -> "Build":
        """The same with further exceptions: a number format or a threshold by tensor. Raises NotMixed."""
        if self.target.mode != "mix":
            raise NotMixed(f"{self.title}: only mode mix reads a qtable; go there first: .on('{self.target.chip}-mix')")
        return self.changed(qtable=entries)

    def with_thresholds(self, thresholds: Mapping[str, float]) -> "Build":
        """The same with the calibrated thresholds of some tensors replaced, whatever calibration found."""
        return self.edited("cali_table", functools.partial(_replace_thresholds, dict(thresholds)))

    def edited(self, stage: str, edit: Edit) -> "Build":
        """The same with a stage's artifact changed by `edit` before later stages read it. Raises UnknownStage."""
        if stage not in self.builder.stages:
            raise UnknownStage(f"no stage {stage}; there are {', '.join(self.builder.stages)}")
        edits = {**self._edits, stage: (*self._edits.get(stage, ()), edit)}
        return Build(self.builder, self.settings, self.target, edits)

    def record(self, stage: str) -> Record:
        """What the stage makes, its metadata and whether it was there already. Raises StageFailed, UnknownStage."""
        if stage not in self.builder.stages:
            raise UnknownStage(f"no stage {stage}; there are {', '.join(self.builder.stages)}")
        chosen = self.builder.stages[stage]
        inputs: dict[str, Ref] = {}
        if chosen.params(self.settings, self.target) is not None:
            inputs = {name: self._ref(name) for name in chosen.inputs}
        return self.builder.run(chosen, self.settings, self.target, inputs)

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs by name, as the chip computes them, for inputs by name: float32, of any number of samples."""
        session = PyRuntime(self.path("sample_model", "sample.model"))
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(None, dict(feeds)), strict=True))

    def samples(self, count: int) -> tuple[dict[str, Array], Array | None]:
        """The first inputs of the evaluation data by name, and their labels where they are known."""
        held = read_npz(self._ref("evaluation_data").path / "evaluation.npz")
        labels = held.pop("labels", None)
        return {name: array[:count] for name, array in held.items()}, None if labels is None else labels[:count]

    def _ref(self, name: str) -> Ref:
        if name not in self._refs:
            if name in SOURCES:
                self._refs[name] = self.builder.source(self.settings.name, name)
            else:
                made = self.record(name).ref
                self._refs[name] = self._changed(name, made) if self._edits.get(name) else made
        return self._refs[name]

    def _changed(self, stage: str, made: Ref) -> Ref:
        """The artifact after its edits, in the store under its own content."""
        before = self.builder.store.bring(made)
        if not any(before.iterdir()):
            raise NotMade(f"{self.title} has no {stage} to edit: its target has no use for it")
        with tempfile.TemporaryDirectory() as room:
            copy = Path(room, "copy")
            shutil.copytree(before, copy)
            for file in copy.rglob("*"):
                file.chmod(0o755 if file.is_dir() else 0o644)
            for edit in self._edits[stage]:
                edit(copy)
            recipe = Recipe(f"{stage}, edited", Closure(), {}, {"result": hashes.of_directory(copy)})

            def make(out: Path) -> Mapping[str, Any]:
                shutil.copytree(copy, out, dirs_exist_ok=True)
                return {}

            return self.builder.store.build(recipe.key, recipe.plain(), make).ref


def workshop() -> Workshop:
    """The zoo as it is here over `$TPUFLOW_STORE`, or the repository's own store, wherever the notebook is."""
    return Workshop() if "TPUFLOW_STORE" in os.environ else Workshop(ROOT / "build")


def load(model: str, target: str, over: Workshop | None = None) -> Build:
    """A model of the zoo for `<chip>-<mode>`, its standing settings. Raises LookupError, UnknownTarget."""
    builder = (over or workshop()).builder
    return Build(builder, builder.zoo.settings(model), Target.parse(target))


def shown(model: str, target: str, over: Workshop | None = None) -> Tables:
    """What the store shows for a partition now, whatever made it; LookupError for a stage that was never built."""
    store = (over or workshop()).builder.store
    partition = partition_of(model, Target.parse(target))
    return Tables(partition, lambda stage: store.read(partition, stage).path)


def _replace_thresholds(thresholds: Mapping[str, float], folder: Path) -> None:
    path = folder / "cali_table"
    entries = table.read(path)
    if strange := [name for name in thresholds if name not in entries]:
        raise UnknownTensor(f"no threshold of {strange[0]!r}; calibrated are {', '.join(entries)}")
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        name, *words = line.split() or [""]
        if name in thresholds:
            lines[number] = f"{name} {thresholds[name]:.7f} {' '.join(words[1:])}"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
