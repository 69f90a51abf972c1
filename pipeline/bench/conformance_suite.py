"""
ONNX's backend suite as cases: single nodes of every operator and opset, nets that exporters made, light models.

A case is in scope if a static-shape network could hold what it does: `CATEGORIES` sorts them, `IN_SCOPE` says which.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, numpy_helper
from onnx.backend import test as backend_test
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import load_model_tests

Array = NDArray[Any]
Sample = tuple[list[Any], list[Any]]
"""What is fed and what is expected: arrays, lists of them for sequences, None for an absent optional."""

KINDS = ("node", "simple", "pytorch-operator", "pytorch-converted")
LIGHT = Path(backend_test.__file__).parent / "data" / "light"
RTOL, ATOL = 1e-3, 1e-7
"""The suite's own where a case has none."""
LIGHT_ATOL = 1e-5


@dataclass(frozen=True)
class Case:
    """One model of the suite with its samples; `model` is serialised, so that a case can go to another process."""

    name: str
    category: str
    model: bytes
    samples: Sequence[Sample]
    rtol: float
    atol: float


@dataclass(frozen=True)
class Nature:
    """What decides a model's category: its op types, their domains, its inputs' and outputs' types."""

    ops: frozenset[str]
    domains: frozenset[str]
    types: frozenset[str]
    dynamic: bool
    """Whether an input has an extent that isn't stated."""


def _any_op(*names: str) -> Callable[[Nature], bool]:
    return lambda nature: not nature.ops.isdisjoint(names)


def _any_type(*names: str) -> Callable[[Nature], bool]:
    return lambda nature: not nature.types.isdisjoint(names)


def _typed(pattern: str) -> Callable[[Nature], bool]:
    return lambda nature: any(re.search(pattern, name) for name in nature.types)


def _either(*rules: Callable[[Nature], bool]) -> Callable[[Nature], bool]:
    return lambda nature: any(rule(nature) for rule in rules)


TRAINING = frozenset({"ai.onnx.preview.training", "ai.onnx.training"})
CATEGORIES: dict[str, Callable[[Nature], bool]] = {
    "training/loss": _either(
        lambda nature: not nature.domains.isdisjoint(TRAINING),
        _any_op("Adam", "Adagrad", "Momentum", "Gradient", "SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"),
    ),
    "ai.onnx.ml": lambda nature: "ai.onnx.ml" in nature.domains,
    "string": _either(
        _any_type("string"),
        _any_op("StringNormalizer", "StringConcat", "StringSplit", "RegexFullMatch", "TfIdfVectorizer", "LabelEncoder"),
    ),
    "sequence/optional": _either(
        _any_type("sequence", "optional", "map", "sparse"),
        lambda nature: any(op.startswith(("Sequence", "Optional")) for op in nature.ops),
    ),
    "control-flow": _any_op("If", "Loop", "Scan", "SequenceMap"),
    "int4/fp4/int2": _typed("int4|float4|int2"),
    "float8": _typed("^float8"),
    "random": _any_op(
        "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial"
    ),
    "signal/dft": _either(
        _any_type("complex64", "complex128"),
        _any_op("DFT", "STFT", "HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix"),
    ),
    "image-decoder": _any_op("ImageDecoder"),
    "data-dependent-shape": _any_op("NonZero", "Unique", "NonMaxSuppression", "Compress"),
    "quantised-op": _any_op(
        "QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger",
        "DynamicQuantizeLinear",
    ),
    "rnn": _any_op("LSTM", "GRU", "RNN"),
    "dynamic-input-shape": lambda nature: nature.dynamic,
    "float64": _any_type("double"),
    "bfloat16": _any_type("bfloat16"),
    "float16": _any_type("float16"),
    "core-float32": _any_type("float"),
    "core-int/bool": lambda nature: True,
}  # fmt: skip
"""In order: the first rule that holds names the category."""

IN_SCOPE = frozenset({"core-float32", "core-int/bool", "float16", "bfloat16", "rnn", "quantised-op"})


def cases(match: str = "") -> Iterator[Case]:
    """The cases in scope whose names `match` is found in, in the suite's order."""
    for kind in KINDS:
        with np.errstate(all="ignore"):
            tests = load_model_tests(kind=kind)
        for case in tests:
            if re.search(match, case.name):
                yield from _in_scope(case.name, _model(case), lambda model, case=case: _samples(case, model),
                                     case.rtol or RTOL, max(case.atol or 0, ATOL))  # fmt: skip
    for path in sorted(LIGHT.glob("*.onnx")):
        if re.search(match, name := f"test_{path.stem.removeprefix('light_')}"):
            yield from _in_scope(name, onnx.load(path), lambda model, path=path: [_ramp(path, model)], RTOL, LIGHT_ATOL)


def category(model: ModelProto) -> str:
    """The category of a model."""
    nature = _nature(model)
    return next(name for name, rule in CATEGORIES.items() if rule(nature))


def fed(model: ModelProto) -> list[onnx.ValueInfoProto]:
    """The graph's inputs that aren't initializers."""
    held = {initializer.name for initializer in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in held]


def _in_scope(
    name: str, model: ModelProto, samples: Callable[[ModelProto], list[Sample]], rtol: float, atol: float
) -> Iterator[Case]:
    if (sort := category(model)) in IN_SCOPE:
        yield Case(name, sort, model.SerializeToString(), samples(model), rtol, atol)


def _nature(model: ModelProto) -> Nature:
    ops = list(_ops(model.graph))
    inputs = fed(model)
    types = frozenset(_type_name(value.type) for value in (*inputs, *model.graph.output))
    return Nature(
        frozenset(op for _, op in ops), frozenset(domain for domain, _ in ops), types, any(map(_dynamic, inputs))
    )


def _ops(graph: GraphProto) -> Iterator[tuple[str, str]]:
    """Domain and op type of each node, those of inner graphs included."""
    for node in graph.node:
        yield node.domain, node.op_type
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from _ops(attribute.g)


def _type_name(kind: onnx.TypeProto) -> str:
    if (which := kind.WhichOneof("value")) == "tensor_type":
        return TensorProto.DataType.Name(kind.tensor_type.elem_type).lower()
    return (which or "none").partition("_")[0]


def _dynamic(value: onnx.ValueInfoProto) -> bool:
    if value.type.WhichOneof("value") != "tensor_type":
        return False
    kind = value.type.tensor_type
    return not kind.HasField("shape") or any(not dim.HasField("dim_value") for dim in kind.shape.dim)


def _model(case: TestCase) -> ModelProto:
    return case.model or onnx.load(Path(str(case.model_dir)) / "model.onnx")


def _samples(case: TestCase, model: ModelProto) -> list[Sample]:
    if case.data_sets is not None:
        return [(list(map(_plain, inputs)), list(map(_plain, outputs))) for inputs, outputs in case.data_sets]
    folders = sorted(Path(str(case.model_dir)).glob("test_data_set*"))
    return [(_saved(folder, "input"), _saved(folder, "output")) for folder in folders]


def _saved(folder: Path, part: str) -> list[Any]:
    paths = sorted(folder.glob(f"{part}_*.pb"), key=lambda path: int(path.stem.split("_")[1]))
    return [numpy_helper.to_array(TensorProto.FromString(path.read_bytes())) for path in paths]


def _ramp(path: Path, model: ModelProto) -> Sample:
    """What the suite feeds its light models: numbers from 0 up to 1, one step an element."""
    inputs = list[Array]()
    for value in fed(model):
        dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        count = int(np.prod(dims))
        inputs.append((np.arange(count).reshape(dims) / count).astype(np.float32))
    expected = TensorProto.FromString(path.with_name(f"{path.stem}_output_0.pb").read_bytes())
    return inputs, [numpy_helper.to_array(expected)]


def _plain(value: Any) -> Any:
    """A tensor or number of the suite as an array."""
    if isinstance(value, TensorProto):
        return numpy_helper.to_array(value)
    return np.asarray(value) if isinstance(value, np.generic | float | int | bool) else value
