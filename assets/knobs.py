"""
What a person can change for one run in the Launchpad; left out, a field is as the model's record has it.

The partition then shows the experiment, and the planner says so: the next build by the record shows the old artifacts
again without running anything.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from compiler.build.flow import Settings, Target
from compiler.quantization import qtable_file


class Method(Enum):
    """How calibration cuts a tensor's range."""

    auto = "auto"
    max = "max"
    kl = "kl"
    percentile = "percentile"
    mse = "mse"
    aciq_gauss = "aciq_gauss"
    aciq_laplace = "aciq_laplace"
    mse_x8 = "mse_x8"
    mse_x64 = "mse_x64"


class Knobs(dg.Config):
    """The settings of one stage, none of them required."""

    def given(self) -> dict[str, Any]:
        """What was filled in, in plain values."""
        return {name: value for name, value in self.model_dump(mode="json").items() if value is not None}

    def applied(self, settings: Settings, target: Target) -> Settings:
        """The model's settings with what was filled in."""
        raise NotImplementedError


class NothingToFuse(ValueError):
    """A model is to preprocess by itself whose record doesn't say what it would take."""


class Shapes(Knobs):
    """Extents of the network's inputs, and what they are."""

    inputs: dict[str, list[int]] | None = Field(
        None,
        description="By an input's name, its extents in place of the record's: {x: [1, 3, 48, 192]}.",
    )

    fuse_preprocess: bool | None = Field(
        None, description="Whether the compiled model takes raw pixels, as the record's preprocessing has them."
    )

    def applied(self, settings: Settings, target: Target) -> Settings:
        """Replace the extents of the inputs named. Raises NothingToFuse."""
        given = self.given()
        fused = given.get("fuse_preprocess", settings.fuse_preprocess)
        if fused and settings.preprocess is None:
            raise NothingToFuse(f"{settings.name}: fuse_preprocess needs preprocessing.raw in the model's record")
        return replace(settings, shapes={**settings.shapes, **given.get("inputs", {})}, fuse_preprocess=fused)


class Calibration(Knobs):
    """How thresholds are found; float targets have none."""

    method: Method | None = Field(
        None, description="How a range is cut: max keeps all of it, the others trade clipping for finer steps."
    )
    samples: int | None = Field(
        None, gt=0, description="Calibration inputs to run, the first so many; at most what the data set has."
    )
    bins: int | None = Field(None, ge=256, multiple_of=2, description="Bins of each tensor's histogram.")

    def applied(self, settings: Settings, target: Target) -> Settings:
        """Replace what was filled in."""
        return replace(settings, calibration={**settings.calibration, **self.given()})


class Passing(Enum):
    """In which types inputs and results pass."""

    computed = "computed"
    stored = "stored"
    float32 = "float32"


class Rounding(Enum):
    """How the weights of int8 modes are rounded."""

    nearest = "nearest"
    reconstruct = "reconstruct"


class Qtable(Knobs):
    """The exceptions of mode `mix`, of which other modes have none, the types at the network's edges, weights."""

    qtable: dict[str, str] | None = Field(
        None,
        description="By tensor, a number format for the op that makes it (F32, BF16, F16, W8F16, INT8) or a "
        'threshold ("3.5"). It takes the place of the record\'s qtable as a whole.',
    )

    file: str | None = Field(
        None,
        description="A file of such entries in TPU-MLIR's format; those of qtable go before its.",
    )

    io: Passing | None = Field(
        None,
        description="In which types inputs and results pass: computed, results as the ops make them; stored, all as "
        "the mode stores them; float32, which the chip casts.",
    )

    rounding: Rounding | None = Field(
        None,
        description="How weights of 8 bits are rounded: to the nearest step, or reconstruct, by what they do to the "
        "calibration data.",
    )

    def applied(self, settings: Settings, target: Target) -> Settings:
        """Replace what was filled in, numbers of the qtable read as thresholds. Raises BadQtable."""
        given = self.given()
        if "qtable" in given:
            given["qtable"] = {name: _entry(text) for name, text in given["qtable"].items()}
        if "file" in given:
            given["qtable"] = {**qtable_file.read(Path(given.pop("file"))), **given.get("qtable", {})}
        return replace(settings, **given)


class Mix(Knobs):
    """What mode `mix` has to reach in the fewest cycles; without a goal nothing is searched for."""

    sqnr: float | None = Field(None, description="The least signal to noise of the result against float, in dB.")
    drop: float | None = Field(None, ge=0, le=1, description="The largest share of samples whose answer isn't float's.")
    budget: int | None = Field(None, gt=0, description="Configurations that are lowered, scheduled and run at most.")
    samples: int | None = Field(None, gt=0, description="Calibration inputs that configurations are judged by.")

    def applied(self, settings: Settings, target: Target) -> Settings:
        """Replace what was filled in."""
        return replace(settings, mix={**settings.mix, **self.given()})


class Schedule(Knobs):
    """How layers are grouped and tiled."""

    effort: int | None = Field(
        None, ge=1, le=3, description="1: quick, 2: as usual, 3: search longer for fewer cycles."
    )
    seed: int | None = Field(
        None, description="Random legal tilings instead of the search, to prove that results do not depend on them."
    )

    def applied(self, settings: Settings, target: Target) -> Settings:
        """Replace what was filled in."""
        return replace(settings, **self.given())


class Packing(Knobs):
    """What the program for the chip is like."""

    compress: bool | None = Field(
        None, description="Whether 8-bit weights are packed in global memory and unpacked as they are loaded."
    )

    def applied(self, settings: Settings, target: Target) -> Settings:
        """Replace what was filled in."""
        return replace(settings, **self.given())


class Tolerance(Knobs):
    """What the comparison has to reach."""

    bounds: dict[str, float] | None = Field(
        None,
        description="By column of the comparison, the least or greatest value: {cosine: 0.99, sqnr_db: 20}.",
    )

    def applied(self, settings: Settings, target: Target) -> Settings:
        """Replace the bounds named, for the target's mode."""
        return _bounded(settings, target, self.given().get("bounds", {}))


class Scoring(Knobs):
    """How accuracy is measured and judged."""

    samples: int | None = Field(None, gt=0, description="Labelled inputs to score, the first so many.")
    accuracy_drop: float | None = Field(
        None, ge=0, le=1, description="The part of accuracy that the chip may lose against float."
    )

    def applied(self, settings: Settings, target: Target) -> Settings:
        """Replace what was filled in."""
        given = self.given()
        limits = {name: value for name, value in given.items() if name == "accuracy_drop"}
        return replace(_bounded(settings, target, limits), samples=given.get("samples", settings.samples))


KNOBS: Mapping[str, type[Knobs]] = {
    "shapes": Shapes,
    "calibration": Calibration,
    "mix": Mix,
    "qtable": Qtable,
    "schedule": Schedule,
    "packing": Packing,
    "tolerance": Tolerance,
    "scoring": Scoring,
}
"""By the name that a stage's `knobs` has."""


def _bounded(settings: Settings, target: Target, bounds: Mapping[str, float]) -> Settings:
    held = settings.tolerance.get(target.mode, {})
    return replace(settings, tolerance={**settings.tolerance, target.mode: {**held, **bounds}}) if bounds else settings


def _entry(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
