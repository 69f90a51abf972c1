"""Paddle: an inference model, its graph (.json or .pdmodel) beside its weights (.pdiparams), by paddle2onnx."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx

from compiler.frontends.foreign import OPSET, PARAMETERS, Converted, Feeds, Foreign, package


def convert(source: Foreign) -> Converted:
    """The model of `paddle.jit.save`. Raises MissingPackages."""
    paddle: Any = package("paddle", "paddle")
    paddle2onnx: Any = package("paddle2onnx", "paddle")
    weights = source.file.with_suffix(PARAMETERS)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model.onnx"
        paddle2onnx.export(
            str(source.file),
            str(weights),
            str(out),
            opset_version=min(OPSET, 17),
            optimize_tool="None",  # the other choices install packages as they run
        )
        proto = onnx.load_model(out)
    layer = paddle.jit.load(str(source.file.with_suffix("")))
    layer.eval()
    names = [value.name for value in proto.graph.input]
    return Converted(proto, lambda feeds: _run(paddle, layer, names, feeds))


def _run(paddle: Any, layer: Any, names: Sequence[str], feeds: Feeds) -> list[Any]:
    made = layer(*(paddle.to_tensor(feeds[name]) for name in names))
    leaves: list[Any] = paddle.utils.flatten(made)
    return [leaf.numpy() for leaf in leaves]
