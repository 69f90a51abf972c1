"""The text of a new record, with what was guessed in comments."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import yaml

from assets.zoo.look import Look

PLAIN = re.compile(r"[A-Za-z_][\w./-]*")
TO_CALIBRATE, TO_JUDGE = 100, 1000
"""The most samples of an own file that are used."""

SEEDED = 20
"""Samples of a seeded data set."""

COSINES = {"f32": 0.999, "bf16": 0.99, "f16": 0.999, "int8": 0.9}
DROP = 0.02
"""The most accuracy that may be lost, as a share."""

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


@dataclass(frozen=True)
class Data:
    """An own file of samples, by its path from the record; none where a seeded data set stands in."""

    file: str | None = None
    samples: int = 0
    labelled: bool = False

    def at(self, file: str | None) -> "Data":
        """The same, there."""
        return replace(self, file=file)


def text_of(
    name: str, original: str, source: Mapping[str, object], look: Look, licence: str | None, data: Mapping[str, Data]
) -> str:
    """The whole YAML file."""
    dataset, preprocessing = _stand_in(look.inputs)
    evaluation = data["evaluation"]
    seeded = not (evaluation.file and data["calibration"].file)
    lines = [
        f"# Written by `tpuflow zoo add` from {quoted(original)}: opset {look.opset}, {look.nodes} nodes,",
        f"# {look.parameters:,} parameters, {look.macs:,} MACs. What was guessed says so; docs/zoo.md has every field.",
        f"name: {quoted(name)}",
        "source:",
        *(f"  {key}: {quoted(held) if isinstance(held, str) else json.dumps(held)}" for key, held in source.items()),
        f"licence: {quoted(licence) if licence else 'unknown  # whose is it, and on what terms?'}",
        "inputs:",
        *(_input(fed, extents, look.stated[fed]) for fed, extents in look.inputs.items()),
        *(preprocessing if seeded else ()),
        "calibration:",
        *_samples(data["calibration"], dataset, look, TO_CALIBRATE),
        "  method: auto  # or max, kl, percentile, mse",
        "evaluation:",
        *_samples(evaluation, dataset, look, TO_JUDGE),
        *(["  metric: top1  # guessed, since the file has labels"] if evaluation.labelled else []),
        "  tolerance:  # guessed; the least cosine of any tensor with its original. A mode left out has int8's",
        *(f"    {mode}: {_bounds(cosine, labelled=evaluation.labelled)}" for mode, cosine in COSINES.items()),
        "targets: [x64-int8]  # what is built as soon as the model is seen",
    ]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """Text as a YAML scalar that is read back as that text."""
    return text if PLAIN.fullmatch(text) and yaml.safe_load(text) == text else json.dumps(text, ensure_ascii=False)


def _input(name: str, extents: Sequence[int], stated: Sequence[int | str]) -> str:
    bound = [f"{told} = {extent}" for told, extent in zip(stated, extents, strict=False) if isinstance(told, str)]
    batch = bool(stated) and isinstance(stated[0], str)
    note = f"  # dynamic in the model: {', '.join(bound)}{' (the batch)' if batch else ''}" if bound else ""
    return f"  {quoted(name)}: {list(extents)}{note}"


def _stand_in(inputs: Mapping[str, Sequence[int]]) -> tuple[str, list[str]]:
    """The data set that stands in for own data, and the preprocessing that it needs."""
    extents = next(iter(inputs.values()))
    axis = next((axis for axis in (1, 3) if len(extents) == 4 and extents[axis] in (1, 3)), None)
    if len(inputs) > 1 or axis is None:
        return "seeded_normal", []
    numbers = IMAGENET if extents[axis] == 3 else {"mean": [0.0], "std": [1.0]}
    lines = [f"  {key}: {values}" for key, values in numbers.items()]
    lines += ["  layout: nhwc"] if axis == 3 else []
    return "seeded_images", ["preprocessing:  # guessed: (pixel / 255 - mean) / std of the seeded pictures", *lines]


def _samples(data: Data, dataset: str, look: Look, most: int) -> list[str]:
    batch = max(extents[0] for extents in look.inputs.values())
    if data.file is None:
        note = "  # guessed: made-up inputs; better `file: data.npz`, an array for each input"
        return [f"  dataset: {dataset}{note}", f"  samples: {max(SEEDED, batch)}"]
    return [f"  file: {quoted(data.file)}", f"  samples: {max(min(most, data.samples), batch)}"]


def _bounds(cosine: float, *, labelled: bool) -> str:
    return f"{{cosine: {cosine}, accuracy_drop: {DROP}}}" if labelled else f"{{cosine: {cosine}}}"
