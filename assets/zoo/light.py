"""
The onnx package's light models: real topologies whose weights are one constant each, refilled so that numbers behave.

Filters are He-normal (He et al., 2015: standard deviation √(2 ÷ fan in)), biases small, batch normalisation close to
the identity; residual branches end in a small scale, so that activations stay of one size however deep the net is.
"""

from collections.abc import Callable, Iterator, MutableSequence, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from assets.zoo.packages import PackageUnavailable, sha256

Shape = tuple[int, ...]
Message = TypeVar("Message")
Draw = Callable[[np.random.Generator, Shape], NDArray[np.float64]]

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


def _he(generator: np.random.Generator, shape: Shape) -> NDArray[np.float64]:
    return generator.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)


def _about(centre: float, spread: float) -> Draw:
    return lambda generator, shape: generator.normal(centre, spread, shape)


def _variance(generator: np.random.Generator, shape: Shape) -> NDArray[np.float64]:
    return generator.uniform(0.8, 1.25, shape)


DRAWS: dict[tuple[str, int], Draw] = {
    ("Conv", 1): _he,
    ("Conv", 2): _about(0, 0.05),
    ("Gemm", 1): _he,
    ("Gemm", 2): _about(0, 0.05),
    ("BatchNormalization", 1): _about(1, 0.1),
    ("BatchNormalization", 2): _about(0, 0.1),
    ("BatchNormalization", 3): _about(0, 0.1),
    ("BatchNormalization", 4): _variance,
    ("Mul", 1): _about(1, 0.1),
    ("Add", 1): _about(0, 0.1),
}
"""How a parameter is drawn, by the op type and the place of the operand."""

VIEWS = ("Reshape", "Unsqueeze")
"""Ops that may stand between a parameter and its use."""

IR_VERSION = 4
"""The first in which an initializer needn't be a graph input too."""

RESIDUAL_SCALE = 0.3
"""Of the batch normalisation that ends in a residual sum (compare SkipInit: De and Smith, 2020)."""


def refilled(file: str, digest: str, seed: int) -> onnx.ModelProto:
    """
    The light model `file` with weights drawn from `seed`, as initializers.

    Raises PackageUnavailable if the installed onnx package has no such file or another one.
    """
    path = FOLDER / file
    if not path.is_file() or sha256(path) != digest:
        raise PackageUnavailable(f"the installed onnx {onnx.__version__} has no {file} with SHA-256 {digest}")
    model = onnx.load(path)
    graph, generator = model.graph, np.random.default_rng(seed)
    shapes = _parameter_shapes(graph)
    filled = {name: draw(generator, shapes[name]) for name, draw in _draws(graph) if name in shapes}
    for name in _residual_ends(graph):
        filled[name] *= RESIDUAL_SCALE
    _put(graph, filled)
    model.ir_version = max(model.ir_version, IR_VERSION)
    onnx.checker.check_model(model)
    return model


def _parameter_shapes(graph: onnx.GraphProto) -> dict[str, Shape]:
    """Extents of every stated constant: an initializer has its own, a ConstantOfShape's are its operand's values."""
    held: dict[str, NDArray[Any]] = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    made = {n.output[0]: held[n.input[0]] for n in graph.node if n.op_type == "ConstantOfShape"}
    return {name: value.shape for name, value in held.items()} | {
        name: tuple(int(extent) for extent in value) for name, value in made.items()
    }


def _draws(graph: onnx.GraphProto) -> Iterator[tuple[str, Draw]]:
    """What feeds an operand that DRAWS has a rule for, be it a parameter or not, and the rule."""
    viewed = {node.output[0]: node.input[0] for node in graph.node if node.op_type in VIEWS}
    for node in graph.node:
        for place, name in enumerate(node.input):
            if draw := DRAWS.get((node.op_type, place)):
                yield viewed.get(name, name), draw


def _residual_ends(graph: onnx.GraphProto) -> list[str]:
    """Scales of the batch normalisations that feed a sum, without the shortcuts' own."""
    makers = {output: node for node in graph.node for output in node.output}
    sums = [node for node in graph.node if node.op_type == "Sum"]
    ends = [makers[node.input[0]] for node in sums]
    return [node.input[1] for node in ends if node.op_type == "BatchNormalization"]


def _put(graph: onnx.GraphProto, filled: dict[str, NDArray[np.float64]]) -> None:
    """Replace what made the parameters by initializers, and drop their graph inputs."""
    used = {name for node in graph.node if node.op_type != "ConstantOfShape" for name in node.input}
    kept = [item for item in graph.initializer if item.name in used and item.name not in filled]
    nodes = [node for node in graph.node if node.op_type != "ConstantOfShape"]
    fed = [item for item in graph.input if item.name in used and item.name not in filled]
    fed = [item for item in fed if item.name not in {constant.name for constant in kept}]
    drawn = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in filled.items()]
    _replace(graph.initializer, [*kept, *drawn])
    _replace(graph.node, nodes)
    _replace(graph.input, fed)


def _replace(field: MutableSequence[Message], items: Sequence[Message]) -> None:
    del field[:]
    field.extend(items)
