"""What an ONNX file says of itself: whether the compiler takes it, its inputs, and its size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from compiler import opt
from compiler.dialects.top.census import total_macs
from compiler.frontends.onnx.errors import DamagedModel, UnboundDimension
from compiler.frontends.onnx.load import load
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.to_top.read import read

Extent = int | str


@dataclass(frozen=True)
class Look:
    """
    A model that the compiler takes: the extents of its inputs, and what it amounts to.

    `stated` has the extents as the file has them, text where they are dynamic; `parameters` counts numbers.
    """

    inputs: Mapping[str, tuple[int, ...]]
    stated: Mapping[str, Sequence[Extent]]
    opset: int
    nodes: int
    parameters: int
    macs: int


def look(path: Path, shapes: Mapping[str, Sequence[int]] | None = None) -> Look:
    """
    The model with its inputs bound to `shapes`; a dynamic first extent that isn't given is a batch of 1.

    Raises ModelError for what the compiler can't take: UnsupportedModel lists every node, UnboundDimension every input
    that needs a shape. FileNotFoundError.
    """
    model = load(path)
    given = {name: tuple(extents) for name, extents in (shapes or {}).items()}
    stated = _stated(model)
    if not stated:
        raise DamagedModel(f"{path.name} has no inputs: there is nothing to feed it; export it with its inputs")
    bound = {name: given.get(name) or tuple(1 if i == 0 and isinstance(extent, str) else extent
             for i, extent in enumerate(extents)) for name, extents in stated.items()}  # fmt: skip
    _all_bound(path.name, bound, stated)
    inputs = {name: tuple(int(extent) for extent in extents) for name, extents in bound.items()}
    sample = prepare(model, {**inputs, **given})
    network = read(sample, path.stem)
    opt.run(network, opt.passes("shape-infer"))
    return Look(
        inputs,
        stated,
        max(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")),
        len(sample.graph.node),
        sum(array.size for array in network.weights.values()),
        total_macs(network),
    )


def _stated(model: onnx.ModelProto) -> dict[str, list[Extent]]:
    """The extents of what has to be fed; none for an input whose rank isn't stated."""
    constants = {item.name for item in model.graph.initializer}
    return {
        value.name: [d.dim_value if d.dim_value > 0 else (d.dim_param or "?") for d in value.type.tensor_type.shape.dim]
        for value in model.graph.input
        if value.name not in constants
    }


def _all_bound(file: str, bound: Mapping[str, Sequence[Extent]], stated: Mapping[str, Sequence[Extent]]) -> None:
    """Raise UnboundDimension naming every input that needs a shape, with an example."""
    if scalars := [name for name, extents in bound.items() if not extents]:
        raise UnboundDimension(f"{file}: input {scalars[0]!r} has no extents; the first one has to be the batch")
    open_ = {name: extents for name, extents in bound.items() if any(isinstance(e, str) for e in extents)}
    if open_:
        told = ", ".join(f"{name} [{', '.join(map(str, stated[name]))}]" for name in open_)
        examples = " ".join(f"--input {name}={_example(extents)}" for name, extents in open_.items())
        raise UnboundDimension(f"{file} has dynamic extents that nothing says: {told}; give them, such as {examples}")


def _example(extents: Sequence[Extent]) -> str:
    usual = 224 if len(extents) == 4 else 128
    return ",".join(str(usual if isinstance(extent, str) else extent) for extent in extents)
