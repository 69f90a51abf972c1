"""onnxruntime, typed: the reference for every float result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

Array = NDArray[Any]
ORT: Any = onnxruntime
"""It ships no types."""


class Session:
    """
    A model ready to run on the CPU. Graph optimisations stay on; results are those of its own kernels.

    `threads` of one operator; 0 leaves it to onnxruntime. Raises onnxruntime's own exception for a model it refuses.
    """

    def __init__(self, model: onnx.ModelProto, threads: int = 0) -> None:
        options = ORT.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = ORT.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.inputs = {str(v.name): tuple(v.shape) for v in self._session.get_inputs()}
        self._kinds = {str(v.name): _numpy_type(str(v.type)) for v in self._session.get_inputs()}
        self.outputs = [str(v.name) for v in self._session.get_outputs()]

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Every output by name, in the order of `outputs`; feeds are converted to the inputs' types."""
        cast_feeds = {name: array.astype(self._kinds[name], copy=False) for name, array in feeds.items()}
        made = self._session.run(self.outputs, cast_feeds)
        return {name: np.asarray(cast("Array", array)) for name, array in zip(self.outputs, made, strict=True)}


def _numpy_type(kind: str) -> np.dtype[Any]:
    """Numpy's type for onnxruntime's `tensor(float)`, `tensor(int64)`, …"""
    name = kind.removeprefix("tensor(").removesuffix(")")
    return np.dtype({"float": "float32", "double": "float64", "string": "object"}.get(name, name))
