"""
How much of the result's noise each tensor in 8 bits brings, by itself: one float run a tensor, its error added to it.

The float network runs in onnxruntime with a further input beside each tensor, which is added to it: the rounding error
of that tensor, zero everywhere else. Weights count by the noise that they leave in their op's result, taken as random
and as large, against the spread of each channel, as their own error is against them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from compiler.dialects.quant import UniformType
from compiler.frontends.onnx.from_top.write import write
from compiler.frontends.onnx.session import Session
from compiler.ir.network import Array, Network
from compiler.ir.storage import dtype_of
from compiler.lowering.job import Contracted

Part = tuple[str, int, slice]
"""A result's name, and the range of an axis that is judged by itself."""

Shares = Mapping[str, NDArray[np.float64]]
"""By tensor, the noise over the signal in each part of the result."""


@dataclass(frozen=True)
class Noises:
    """What each tensor in 8 bits brings in, and what the weights of each op do."""

    activations: Shares
    weights: Shares

    def of(self, stored: Sequence[str], rounded: Sequence[str]) -> NDArray[np.float64]:
        """Of these tensors and these weights together, taken as independent."""
        first = next(iter((*self.activations.values(), *self.weights.values())), np.zeros(1))
        found = [self.activations[name] for name in stored if name in self.activations]
        found += [self.weights[name] for name in rounded if name in self.weights]
        return np.sum(found, axis=0) if found else np.zeros_like(first)


def noises(
    network: Network,
    types: Mapping[str, UniformType],
    contracted: Mapping[str, Contracted],
    feeds: Sequence[Mapping[str, Array]],
    exact: Sequence[Mapping[str, Array]],
    parts: Sequence[Part],
) -> Noises:
    """
    Measured on `feeds`, whose float tensors are `exact`.

    `types` are those of the tensors in 8 bits, `contracted` what the weights of an int8 network stand for.
    """
    makers = {told.of: told for told in contracted.values() if told.of in exact[0]}
    session = _Injected(network, sorted({*types, *makers}), parts)
    found = [dict[str, NDArray[np.float64]](), dict[str, NDArray[np.float64]]()]
    for tensors, fed in zip(exact, feeds, strict=True):
        held = {**fed, **tensors}
        for name, element in types.items():
            if name not in held:
                continue
            made = session.noise(fed, name, _rounding(held[name], element), held)
            found[0][name] = found[0].get(name, 0) + made / len(feeds)
        for name, told in makers.items():
            made = session.noise(fed, name, _of_weights(held[name], told), held)
            found[1][name] = found[1].get(name, 0) + made / len(feeds)
    return Noises(*found)


class _Injected:
    """The float network with an input `<tensor> error` for each tensor of `names`."""

    def __init__(self, network: Network, names: Sequence[str], parts: Sequence[Part]) -> None:
        model = write(network)
        kept = {name for name, _, _ in parts}
        outputs = [value for value in model.graph.output if value.name in kept]
        ranks = {v.name: len(v.type.tensor_type.shape.dim) for v in (*model.graph.input, *model.graph.output)}
        del model.graph.output[:]
        model.graph.output.extend(outputs)
        self.names = [name for name in names if name in ranks]
        for name in self.names:
            _inject(model, name, ranks[name])
        self.off = {f"{name} error": np.zeros((1,) * ranks[name], np.float32) for name in self.names}
        self.parts, self.session = parts, Session(model, threads=1)

    def noise(
        self, feeds: Mapping[str, Array], name: str, error: Array, exact: Mapping[str, Array]
    ) -> NDArray[np.float64]:
        """Of each part of the result, noise over signal, where `error` is added to one tensor."""
        if name not in self.names:
            return np.zeros(len(self.parts))
        made = self.session.run({**feeds, **self.off, f"{name} error": error.astype(np.float32)})
        shares = list[float]()
        for result, axis, part in self.parts:
            where = (slice(None),) * axis + (part,)
            wanted, found = (x[result][where].astype(np.float64) for x in (exact, made))
            shares.append(float(((found - wanted) ** 2).sum() / max((wanted**2).sum(), 1e-300)))
        return np.array(shares)


def _inject(model: onnx.ModelProto, name: str, rank: int) -> None:
    """Add the input `<name> error` to a tensor, for all that reads it."""
    graph, clean = model.graph, f"{name} clean"
    maker = next((i for i, node in enumerate(graph.node) if name in node.output), -1)
    source = name if maker < 0 else clean
    added = helper.make_node("Add", [source, f"{name} error"], [f"{name} noisy" if maker < 0 else name])
    for node in graph.node:
        for slot, value in enumerate(node.input):
            if maker < 0 and value == name:
                node.input[slot] = f"{name} noisy"
    if maker >= 0:
        outputs = graph.node[maker].output
        outputs[list(outputs).index(name)] = clean
    graph.node.insert(maker + 1, added)
    graph.input.append(
        helper.make_tensor_value_info(f"{name} error", TensorProto.FLOAT, [f"{name} {i}" for i in range(rank)])
    )


def _rounding(x: Array, element: UniformType) -> Array:
    """What storing `x` in a quantised type adds to it."""
    along = [1] * x.ndim
    if element.is_per_axis:
        along[element.axis.data] = -1
    step = np.array([each.data for each in element.scales]).reshape(along)
    zero = np.array([each.data for each in element.zero_points]).reshape(along)
    limits = np.iinfo(dtype_of(element))
    low, high = max(element.minimum.data, limits.min), min(element.maximum.data, limits.max)
    return (np.clip(np.rint(x / step) + zero, low, high) - zero) * step - x


def _of_weights(y: Array, told: Contracted) -> Array:
    """Noise of an op's result `y` from its weights' rounding, channels on axis 1 of four and the last of fewer axes."""
    made = told.made
    error = made.weights.reshape(made.real.shape) * made.units[:, None] - made.real
    energy = (made.real**2).sum(axis=1) + 1e-300
    share = np.sqrt((error**2).sum(axis=1) / energy)
    axis = 1 if y.ndim >= 4 else y.ndim - 1
    if y.shape[axis] != len(share):
        return np.zeros_like(y)
    along = [1] * y.ndim
    along[axis] = -1
    others = tuple(i for i in range(y.ndim) if i != axis)
    spread = y.std(axis=others).reshape(along) * share.reshape(along)
    return np.random.default_rng(0).standard_normal(y.shape) * spread
