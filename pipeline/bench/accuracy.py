"""`bench accuracy`: each labelled model's own metric, by onnxruntime in float and by the chip in each mode."""

import json
from collections.abc import Iterator

from compiler.build.builder import Builder
from compiler.build.flow import Target
from pipeline.bench.report import Row
from pipeline.bench.status import Told


def rows(builder: Builder, model: str, target: str, told: Told) -> Iterator[Row]:
    """Float, the chip, and what the chip lost, in points; nothing for a model without labels."""
    settings, case = builder.zoo.settings(model), told.at(f"{model}/{target}")
    if settings.metric is None:
        return
    record = builder.build(settings, Target.parse(target), ("accuracy",), told, show=False)["accuracy"]
    scored = json.loads((record.ref.path / "accuracy.json").read_text())
    yield Row(case, "accuracy", scored["accuracy"], "share")
    yield Row(case, "float_accuracy", scored["accuracy_float"], "share")
    yield Row(case, "accuracy_drop", round(100 * scored["drop"], 4), "points")
