"""The flow chart as one table: what each stage reads, and the parameters it depends on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from simulator.chip import CHIPS

MODES = ("f32", "bf16", "f16", "int8", "int8a", "mix")
"""What a model can be compiled to: number formats, and `mix`, int8 with the exceptions of the model's qtable."""

CALIBRATED = frozenset({"int8", "int8a", "mix"})
"""Modes that need the ranges of tensors."""

TARGETS = tuple(f"{chip}-{mode}" for chip in CHIPS for mode in MODES)
"""What a model can be built for: `<chip>-<mode>`."""

REPORTED = 8
"""Evaluation samples that the quantisation report looks at, at most."""

SOURCES = ("model_file", "calibration_data", "evaluation_data")
"""Directories that the zoo supplies for each model."""


class UnknownTarget(ValueError):
    """A target is not `<chip>-<mode>` of a known chip and mode; the message lists those there are."""


class UnknownStage(ValueError):
    """A stage is asked for that the flow does not have; the message lists those there are."""


@dataclass(frozen=True)
class Target:
    """What a model is built for: a chip preset and a number format."""

    chip: str
    mode: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read `<chip>-<mode>`. Raises UnknownTarget."""
        chip, _, mode = text.partition("-")
        if chip not in CHIPS or mode not in MODES:
            raise UnknownTarget(f"no target {text!r}; there are {', '.join(TARGETS)}")
        return cls(chip, mode)

    def __str__(self) -> str:
        return f"{self.chip}-{self.mode}"


@dataclass(frozen=True)
class Settings:
    """
    A model's standing parameters, in plain values.

    `shapes` fixes dynamic dimensions by input name. `qtable` has the exceptions of mode `mix` by tensor: a number
    format or a threshold; `mix` what it has to reach and how long that is searched for (`stages.qtable`). `tolerance`
    holds, by mode, what comparison has to reach. `metric` names the measure of accuracy, None where there are no
    labels, `also` those told beside it; `samples` caps how many are scored. `io` says in which types inputs and results
    pass: as `computed`, as `stored` by the mode, or as `float32`.
    `preprocess` says how raw pixels become the model's input, None where that isn't told; with `fuse_preprocess` the
    compiled model does it. `rounding` says how the weights of int8 modes are rounded: `nearest`, or `reconstruct` by
    at most `rounding_samples` of the calibration data.
    """

    name: str
    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])
    calibration: Mapping[str, Any] = field(default_factory=lambda: {"method": "auto", "samples": 100, "bins": 2048})
    qtable: Mapping[str, str | float] = field(default_factory=dict[str, str | float])
    mix: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tolerance: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    metric: str | None = None
    also: Sequence[str] = ()
    samples: int = 1000
    preprocess: Mapping[str, Any] | None = None
    fuse_preprocess: bool = False
    io: str = "computed"
    effort: int = 2
    seed: int | None = None
    rounding: str = "reconstruct"
    rounding_samples: int = 64
    compress: bool = False


class Zoo(Protocol):
    """The models there are."""

    def names(self) -> Sequence[str]:
        """All models, in the order they are shown."""
        ...

    def settings(self, model: str) -> Settings:
        """The standing parameters of a model. Raises LookupError naming the models there are."""
        ...

    def files(self, model: str) -> Mapping[str, Path]:
        """The directory of each of SOURCES for a model, made or downloaded where it is not yet there."""
        ...

    def present(self, model: str) -> bool:
        """Whether `files` has them all without fetching or making any."""
        ...


Params = Mapping[str, Any]


@dataclass(frozen=True)
class Stage:
    """
    One box of the flow chart.

    `params` names just the parameters the stage may depend on; None says that the target has no use for the
    stage, which then yields one constant empty artifact. `knobs` names the model's settings among them. `only_with`
    names inputs that are read only where there is a parameter of the name told.
    """

    name: str
    inputs: tuple[str, ...]
    params: Callable[[Settings, Target], Params | None]
    package: str = "compiler.stages"
    knobs: str | None = None
    only_with: Mapping[str, str] = field(default_factory=dict[str, str])

    def reads(self, params: Params | None) -> tuple[str, ...]:
        """The inputs that decide the result with these parameters."""
        if params is None:
            return ()
        return tuple(name for name in self.inputs if name not in self.only_with or self.only_with[name] in params)

    @property
    def module(self) -> str:
        """The module whose `run` does the work."""
        return f"{self.package}.{self.name}"


def _none(settings: Settings, target: Target) -> Params:
    return {}


def _chip(settings: Settings, target: Target) -> Params:
    return {"chip": target.chip}


def _calibrated(params: Callable[[Settings], Params]) -> Callable[[Settings, Target], Params | None]:
    return lambda settings, target: params(settings) if target.mode in CALIBRATED else None


def _mixed(settings: Settings, target: Target) -> Params | None:
    """None where nothing is to be searched for: the record's own entries are all there are."""
    if target.mode != "mix" or not any(settings.mix.get(goal) is not None for goal in ("sqnr", "drop")):
        return None
    told = {"chip": target.chip, "qtable": dict(settings.qtable), "calibrated": settings.calibration.get("samples")}
    told |= {"io": settings.io} if settings.io != "computed" else {}
    return told | {"budget": 80, "samples": 8} | {name: held for name, held in settings.mix.items() if held is not None}


def _calibration(settings: Settings, target: Target) -> Params | None:
    """Modes whose types are around zero share their table."""
    if target.mode not in CALIBRATED:
        return None
    return dict(settings.calibration) | ({"mode": "int8a"} if target.mode == "int8a" else {})


def _format(settings: Settings, target: Target) -> Params:
    told: dict[str, Any] = {"mode": target.mode}
    if target.mode == "mix":
        told["qtable"] = dict(settings.qtable)
    if target.mode in CALIBRATED and settings.rounding != "nearest":
        told |= {"rounding": settings.rounding, "rounding_samples": settings.rounding_samples}
    return told if settings.io == "computed" else told | {"io": settings.io}


def _schedule(settings: Settings, target: Target) -> Params:
    return {"chip": target.chip, "effort": settings.effort, "seed": settings.seed}


def _packing(settings: Settings, target: Target) -> Params:
    return {"chip": target.chip} | ({"compress": True} if settings.compress else {})


def _shapes(settings: Settings, target: Target) -> Params:
    shapes = {"shapes": {name: list(extents) for name, extents in settings.shapes.items()}}
    return shapes | ({"preprocess": settings.preprocess} if settings.fuse_preprocess else {})


def _tolerance(settings: Settings, target: Target) -> Params:
    wanted = settings.tolerance.get(target.mode, {})
    return {"tolerance": {name: limit for name, limit in wanted.items() if name != "accuracy_drop"}}


def _report(settings: Settings, target: Target) -> Params | None:
    return {"name": settings.name, "mode": target.mode, "samples": REPORTED} if target.mode in CALIBRATED else None


def _accuracy(settings: Settings, target: Target) -> Params | None:
    if settings.metric is None:
        return None
    told = {"metric": settings.metric, "samples": settings.samples}
    return told | ({"also": list(settings.also)} if settings.also else {})


RESULTS = ("onnx_results", "top_results", "tpu_results", "chip_results")

FLOW: tuple[Stage, ...] = (
    Stage("sample_onnx", ("model_file",), _shapes, knobs="shapes"),
    Stage("origin_mlir", ("sample_onnx",), lambda settings, target: {"name": settings.name}),
    Stage("canonical_mlir", ("origin_mlir",), _none),
    Stage(
        "cali_table",
        ("canonical_mlir", "calibration_data"),
        _calibration,
        knobs="calibration",
    ),
    Stage("cali_mlir", ("canonical_mlir", "cali_table"), _calibrated(lambda settings: {})),
    Stage("qtable", ("canonical_mlir", "cali_mlir", "calibration_data"), _mixed, knobs="mix"),
    Stage(
        "tpu_mlir",
        ("canonical_mlir", "cali_mlir", "qtable", "calibration_data"),
        _format,
        knobs="qtable",
        only_with={"calibration_data": "rounding"},
    ),
    Stage("lg_mlir", ("tpu_mlir",), _schedule, knobs="schedule"),
    Stage("addr_mlir", ("lg_mlir",), _chip),
    Stage("sample_model", ("addr_mlir",), _packing, knobs="packing"),
    Stage(
        "profile",
        ("sample_onnx", "lg_mlir", "sample_model"),
        lambda settings, target: {"chip": target.chip, "mode": target.mode},
    ),
    Stage("onnx_results", ("sample_onnx", "evaluation_data"), _none),
    Stage("top_results", ("canonical_mlir", "evaluation_data"), _none),
    Stage("tpu_results", ("tpu_mlir", "evaluation_data"), _none),
    Stage("chip_results", ("sample_model", "evaluation_data"), _none),
    Stage("comparison", RESULTS, _tolerance, knobs="tolerance"),
    Stage("quant_report", ("canonical_mlir", "cali_table", "qtable", "tpu_mlir", "evaluation_data"), _report),
    Stage("accuracy", ("sample_onnx", "sample_model", "evaluation_data"), _accuracy, knobs="scoring"),
)
"""Every stage after those it reads."""


def needed(flow: Sequence[Stage], goals: Collection[str]) -> list[Stage]:
    """The stages that lead to `goals`, in flow order. Raises UnknownStage."""
    names = [stage.name for stage in flow]
    if unknown := sorted(set(goals) - set(names)):
        raise UnknownStage(f"no stage {', '.join(unknown)}; there are {', '.join(names)}")
    wanted = set(goals)
    for stage in reversed(flow):
        if stage.name in wanted:
            wanted.update(stage.inputs)
    return [stage for stage in flow if stage.name in wanted]
