"""Whether an ONNX model computes what the framework that it comes from does: both are run on the same inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from compiler.frontends.clean import quantised
from compiler.frontends.foreign import Converted, Disagrees
from compiler.frontends.onnx.session import Session

SEED = 0
FLOAT, QUANTISED = 1e-3, 0.1
"""The largest distance allowed, as a share of the result's norm: sums in another order, and steps of a scale."""

Arrays = Mapping[str, NDArray[Any]]


def drawn(model: onnx.ModelProto, inputs: Mapping[str, Sequence[int]]) -> Arrays | None:
    """
    Random inputs: reals in 0…1, integers 0 or 1; a dynamic batch is 1.

    None where the model leaves other extents open and `inputs` doesn't say them.
    """
    generator = np.random.default_rng(SEED)
    made: dict[str, NDArray[Any]] = {}
    for value in model.graph.input:
        kind = value.type.tensor_type
        stated = [d.dim_value for d in kind.shape.dim]
        extents = inputs.get(value.name) or [extent or int(axis == 0) for axis, extent in enumerate(stated)]
        if 0 in extents:
            return None
        dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type)
        numbers = generator.uniform(0, 1, tuple(extents))
        made[value.name] = numbers.astype(dtype) if dtype.kind == "f" else (numbers > 0.5).astype(dtype)
    return made


def difference(converted: Converted, feeds: Arrays) -> float:
    """
    The largest distance of a result from the framework's, as a share of its norm.

    Raises Disagrees where it is above FLOAT, or above QUANTISED for a model that has scales.
    """
    ours = [*Session(converted.model).run(feeds).values()]
    theirs = converted.run(feeds)
    if [np.shape(array) for array in ours] != [np.shape(array) for array in theirs]:
        told = [list(np.shape(array)) for array in theirs], [list(np.shape(array)) for array in ours]
        raise Disagrees(f"the framework's results have the shapes {told[0]}, the ONNX model's {told[1]}")
    worst = max(map(_distance, ours, theirs), default=0.0)
    bound = QUANTISED if quantised(converted.model) else FLOAT
    if not worst <= bound:
        raise Disagrees(f"the ONNX model's results are {worst:.2g} of their norm from the framework's, above {bound:g}")
    return worst


def _distance(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    one, other = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if not one.size or np.array_equal(one, other, equal_nan=True):
        return 0.0
    return float(np.linalg.norm((one - other).ravel()) / max(np.linalg.norm(other.ravel()), 1e-12))
