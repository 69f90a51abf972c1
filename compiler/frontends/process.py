"""
The process that turns one model of another framework into ONNX: `python -m compiler.frontends.process job.json`.

The job is `Foreign`, as JSON, with `out`, a folder; there it writes `model.onnx` and `report.json`, or `error.json`
with the name of an error of `frontends` and its message. With `samples`, an .npz of inputs, it also writes what the
framework itself makes of them, `results.npz`, in the model's order.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from compiler.frontends import agree, jax, paddle, pytorch, tensorflow, tflite
from compiler.frontends.clean import cleaned
from compiler.frontends.foreign import Converted, Foreign, versions
from compiler.frontends.onnx.errors import ModelError

CONVERTERS: Mapping[str, Callable[[Foreign], Converted]] = {
    "pytorch": pytorch.convert,
    "tensorflow": tensorflow.convert,
    "tflite": tflite.convert,
    "jax": jax.convert,
    "paddle": paddle.convert,
}


def work(source: Foreign, out: Path, samples: Path | None) -> None:
    """Convert, compare with the framework, clean, check, write. Raises ModelError, or whatever the framework does."""
    converted = CONVERTERS[source.kind](source)
    feeds = agree.drawn(converted.model, _as_fed(converted.model, source))
    differs = None if feeds is None else agree.difference(converted, feeds)
    if samples is not None:
        _run(converted, samples, out / "results.npz")
    model = cleaned(converted.model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, out / "model.onnx")
    report = {"kind": source.kind, "with": versions(source.kind), "difference": differs}
    (out / "report.json").write_text(json.dumps(report))


def _as_fed(model: onnx.ModelProto, source: Foreign) -> dict[str, list[int]]:
    """The extents of the converter's own inputs, as far as they are said."""
    names, told = [value.name for value in model.graph.input], [[*extents] for extents in source.inputs.values()]
    return dict(zip(names, told, strict=True)) if len(names) == len(told) else {}


def _run(converted: Converted, samples: Path, out: Path) -> None:
    """The framework's results of samples one of each input at a time."""
    with np.load(samples) as held:
        arrays = [held[name] for name in held.files]
    names = [value.name for value in converted.model.graph.input]
    rows = [
        converted.run({name: array[i : i + 1] for name, array in zip(names, arrays, strict=True)})
        for i in range(len(arrays[0]))
    ]
    np.savez(out, *(np.concatenate(parts) for parts in zip(*rows, strict=True)))


def main(job: Path) -> int:
    """Do the job of the file; 1 where the model isn't taken, which `error.json` tells."""
    told: dict[str, Any] = json.loads(job.read_text())
    out, samples = Path(told.pop("out")), told.pop("samples")
    told["file"] = Path(told["file"])
    source = Foreign(**told)
    try:
        work(source, out, Path(samples) if samples else None)
    except Exception as error:  # whatever a framework throws at a model is said, and the process ends
        ours = isinstance(error, ModelError)
        reason = str(error) if ours else f"{type(error).__name__}: {' '.join(str(error).split())[:600]}"
        kind = type(error).__name__ if ours else "NotConverted"
        (out / "error.json").write_text(json.dumps({"error": kind, "reason": reason}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
