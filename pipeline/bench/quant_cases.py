"""The models of `bench quant`: how each is scored, and what its figures are to come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline.bench import quant_scores
from pipeline.bench.judged import Judged, Wanted, judged
from pipeline.bench.quant_scores import Score


@dataclass(frozen=True)
class Case:
    """
    A model of `quant_data.files.SOURCES`, its score, and what int8 weights with int8 activations are to reach.

    `wide_sqnr_db` is what onnxruntime reached with activations of 16 bits, for runs without that peer.
    """

    model: str
    score: Score
    wide_sqnr_db: float
    wanted: Mapping[str, Wanted] = field(default_factory=dict[str, Wanted])


TABLE: Sequence[Case] = (
    Case("digits", quant_scores.classified, 38.83, {"sqnr_db": Wanted(36, 38)}),
    Case("efflite0", quant_scores.classified, 18.52, {"sqnr_db": Wanted(18.5, 20)}),
    Case("ppocr_rec", quant_scores.read, 13.41, {"sqnr_db": Wanted(17.5, 20), "text_equal": Wanted(1, 1)}),
    Case("minilm", quant_scores.embedded, 29.87, {"sqnr_db": Wanted(21, 28), "nn1_agreement": Wanted(0.95, 0.95)}),
    Case("yolov8n_320", quant_scores.detected, 8.35, {"sqnr_db": Wanted(9, 20), "detections_f1": Wanted(0.95, 1)}),
)

CYCLES_OVER_INT8 = Wanted(1.15, 1.05, less=True)
"""Of the mixed network that reaches `wide_sqnr_db`."""

DROP = Wanted(0.5, 0.1, less=True)
"""Points of its own metric that a model of the zoo may lose in int8."""

CALIBRATION_SECONDS = Wanted(28.6, 15, less=True)
"""CPU seconds for 100 images of ResNet-50; TPU-MLIR takes 28.6 for 20."""

CALIBRATION_RATE = Wanted(0.8, 0.8)
"""Images a CPU second, over those of onnxruntime's plain run of the same network."""


def unmeasured(case: str, why: Literal["absent", "failed"], reason: object) -> Judged:
    """The row of what could not be measured."""
    return Judged(case, why, 1, "case", verdict=f"{why}: {reason}")


def unit(metric: str) -> str:
    """A measure's unit."""
    return "dB" if metric.endswith("_db") else "s" if metric.endswith("_s") else "share"


def rows(case: str, figures: Mapping[str, float], wanted: Mapping[str, Wanted] | None = None) -> list[Any]:
    """A row for each figure."""
    held = wanted or {}
    return [judged(case, metric, value, unit(metric), held.get(metric)) for metric, value in figures.items()]
