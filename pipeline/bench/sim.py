"""
`bench sim`: what the simulated chip is judged by, part by part; each figure with its bar and its goal.

A part is a module with `rows(bench)`, imported when it is measured.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.zoo.packages import PackageUnavailable
from compiler.build.builder import Builder
from compiler.build.flow import Target
from pipeline.bench.judged import Judged, Wanted, judged
from pipeline.bench.status import Told
from simulator.model_file import read

PARTS: Mapping[str, str] = {
    "speed": "pipeline.bench.sim_speed",
    "cycles": "pipeline.bench.sim_cycles",
    "start": "pipeline.bench.sim_start",
    "bits": "pipeline.bench.sim_bits",
    "checks": "pipeline.bench.sim_checks",
    "waits": "pipeline.bench.sim_waits",
    "mutants": "pipeline.bench.sim_mutants",
    "oracle": "pipeline.bench.sim_oracle",
}
"""Module of each part."""

NONE = Wanted(0, 0, less=True)


@dataclass(frozen=True)
class Built:
    """A model as the bench takes it: its files, and one batch of evaluation data by input."""

    case: str
    """`<model>/<chip>-<mode>`."""
    model: Path
    onnx: Path
    feeds: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Bench:
    """
    What every part is given. With `models` or `targets`, parts measure these in place of their own; `zoo`: every model
    is checked for false alarms.
    """

    builder: Builder
    told: Told
    pairs: int
    threads: int
    models: Sequence[str] = ()
    targets: Sequence[str] = ()
    zoo: bool = False

    def cases(self, models: Sequence[str], targets: Sequence[str]) -> list[tuple[str, str]]:
        """Every model for every target: the part's own, where the user names none."""
        return [(model, target) for model in self.models or models for target in self.targets or targets]

    def built(self, model: str, target: str) -> Built:
        """The model's files, made if they aren't there. Raises StageFailed, PackageUnavailable."""
        case, settings = self.told.at(f"{model}/{target}"), self.builder.zoo.settings(model)
        goals = ("sample_onnx", "sample_model")
        records = self.builder.build(settings, Target.parse(target), goals, self.told, show=False)
        path = records["sample_model"].ref.path / "sample.model"
        inputs = {entry.name: entry.shape[:1] for entry in read(path).inputs}
        with np.load(self.builder.zoo.files(model)["evaluation_data"] / "evaluation.npz") as held:
            feeds = {name: held[name][slice(*batch)] for name, batch in inputs.items()}
        return Built(case, path, records["sample_onnx"].ref.path / "sample.onnx", feeds)


def rows(bench: Bench, only: Sequence[str] = ()) -> Iterator[Judged]:
    """The figures of the parts named, or of all. A part ends where a model can't be had, which is a bar missed."""
    for part in only or PARTS:
        try:
            yield from import_module(PARTS[part]).rows(bench)
        except PackageUnavailable as error:
            yield judged(f"{part}: {error}", "models_absent", 1, "models", NONE)
