"""
An op of the host: an ONNX model that onnxruntime runs between the chip's records, on arrays as the chip stores them.

The interpreter and PyRuntime both run host ops by this, so the bits of one are those of the other: one thread, and no
optimisation of the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.casts import Steps, dequantise, narrow, quantise, widen

if TYPE_CHECKING:
    from onnx import ModelProto

Array = NDArray[Any]

TEXT = "object"
"""Numpy's name of the type in which it holds texts."""

FLOATS = frozenset({"float32", "bfloat16", "float16"})
_NAMES: Mapping[str, str] = {"float": "float32", "double": "float64", "string": TEXT}
"""Where onnxruntime's name of a type isn't numpy's."""

SESSIONS = 64
"""Host ops that are kept ready to run."""


class HostFault(RuntimeError):
    """A host op can't be run, or made what the chip can't hold; the message names the op and says why."""


@dataclass(frozen=True)
class Form:
    """
    How a tensor is stored: numpy's name of the type of its elements, `object` for texts.

    `real = (stored - zero_point) · scale`, where a scale isn't 1 or a zero point not 0. With an `axis`, both have an
    entry for each of its indices.
    """

    dtype: str
    scale: Steps = 1.0
    zero_point: Steps = 0
    axis: int = -1

    @property
    def numpy(self) -> np.dtype[Any]:
        """Numpy's type. Raises TypeError for a name of none."""
        return np.dtype(ml_dtypes.bfloat16 if self.dtype == "bfloat16" else self.dtype)

    @property
    def quantised(self) -> bool:
        """Whether stored integers stand for other numbers."""
        return (self.scale, self.zero_point) != (1.0, 0)


class HostModel:
    """A host op ready to run. `name` is the tensor it makes, `kind` its op types: what errors call it by."""

    def __init__(self, model: bytes, name: str, kind: str) -> None:
        """Have onnxruntime take the model. Raises HostFault."""
        self.what = f"host op {kind} at {name!r}"
        try:
            self._session = _session(model)
        except Exception as error:
            raise HostFault(f"{self.what}: onnxruntime refuses it: {_line(error)}") from error
        self._inputs = [_Port(str(value.name), str(value.type)) for value in self._session.get_inputs()]
        self._outputs = [str(value.name) for value in self._session.get_outputs()]

    def run(self, operands: Sequence[tuple[Array, Form]], results: Sequence[Form]) -> list[Array]:
        """
        The results in their forms, of operands in theirs, by position.

        Operands are converted to the types that the model states: what is quantised becomes real numbers first.
        Raises HostFault where onnxruntime fails, or an integer doesn't fit the form that it is stored in.
        """
        if (len(operands), len(results)) != (len(self._inputs), len(self._outputs)):
            raise HostFault(
                f"{self.what}: its model takes {len(self._inputs)} tensors and makes {len(self._outputs)}, "
                f"not {len(operands)} and {len(results)}"
            )
        feeds = {port.name: port.fed(*operand) for port, operand in zip(self._inputs, operands, strict=True)}
        try:
            made = self._session.run(self._outputs, feeds)
        except Exception as error:
            raise HostFault(f"{self.what}: onnxruntime fails: {_line(error)}") from error
        return [
            self._stored(np.asarray(value), form, i) for i, (value, form) in enumerate(zip(made, results, strict=True))
        ]

    def _stored(self, made: Array, form: Form, index: int) -> Array:
        try:
            return stored(made, form)
        except OverflowError as error:
            raise HostFault(f"{self.what}: result {index}: {error}") from None


def real(array: Array, form: Form) -> Array:
    """What a stored array means: real numbers in f32 of a quantised one, any other as it is."""
    return dequantise(array, form.scale, form.zero_point, form.axis) if form.quantised else array


def stored(array: Array, form: Form) -> Array:
    """
    An array in a form: floats rounded or quantised as feeds are, integers and texts as they are.

    Raises OverflowError for an integer that the form's type doesn't hold.
    """
    kind = form.numpy
    if array.dtype == kind and array.dtype.kind != "f":
        return array
    if form.dtype in FLOATS:
        with np.errstate(over="ignore"):
            wide = widen(array) if array.dtype.name in FLOATS else array.astype(np.float32)
        return narrow(wide, kind)
    if form.quantised or array.dtype.kind == "f":
        return array.astype(kind) if kind.kind == "f" else quantise(array, form.scale, form.zero_point, kind, form.axis)
    if kind.kind in "iu" and array.size and array.dtype.kind in "iu":
        least, most, limits = int(array.min()), int(array.max()), np.iinfo(kind)
        if least < limits.min or most > limits.max:
            raise OverflowError(f"{least if least < limits.min else most} doesn't fit {kind.name}")
    return array.astype(kind)


@dataclass(frozen=True)
class _Port:
    """An input of a model, by onnxruntime's name and type (`tensor(int64)`)."""

    name: str
    type: str

    def fed(self, array: Array, form: Form) -> Array:
        """The stored array as onnxruntime takes it."""
        name = self.type.removeprefix("tensor(").removesuffix(")")
        kind = np.dtype(_NAMES.get(name, name))
        return np.ascontiguousarray(real(array, form).astype(kind, copy=False)).reshape(array.shape)


@lru_cache(maxsize=SESSIONS)
def _session(model: bytes) -> Any:
    """A session of the model. It has f32 for bfloat16, which onnxruntime doesn't exchange with numpy."""
    session = _opened(model)
    if any("bfloat16" in value.type for value in (*session.get_inputs(), *session.get_outputs())):
        session = _opened(_widened(model))
    return session


def _widened(serialised: bytes) -> bytes:
    """The model with casts from f32 and to f32 at its bfloat16 inputs and outputs."""
    # Few models need onnx or onnxruntime, and a process that runs none of those starts sooner without.
    import onnx
    from onnx import helper

    model: ModelProto = onnx.ModelProto.FromString(serialised)
    graph, narrow_type = model.graph, onnx.TensorProto.BFLOAT16
    before, after = list[onnx.NodeProto](), list[onnx.NodeProto]()
    for value in (v for v in graph.input if v.type.tensor_type.elem_type == narrow_type):
        wide = f"{value.name}_as_f32"
        before.append(helper.make_node("Cast", [wide], [value.name], to=narrow_type))
        value.name, value.type.tensor_type.elem_type = wide, onnx.TensorProto.FLOAT
    for value in (v for v in graph.output if v.type.tensor_type.elem_type == narrow_type):
        wide = f"{value.name}_as_f32"
        after.append(helper.make_node("Cast", [value.name], [wide], to=onnx.TensorProto.FLOAT))
        value.name, value.type.tensor_type.elem_type = wide, onnx.TensorProto.FLOAT
    nodes = [*before, *graph.node, *after]
    del graph.node[:]
    graph.node.extend(nodes)
    return model.SerializeToString()


def _opened(model: bytes) -> Any:
    import onnxruntime

    ort: Any = onnxruntime
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.log_severity_level = 4
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
