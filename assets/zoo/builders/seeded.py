"""Layers with weights drawn from a seed, for topologies of which no trained net is freely given."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.zoo.builders.graph import Graph

RESIDUAL_SCALE = 0.3
"""Of what a residual branch adds, so that activations stay of one size however deep the net is."""


class Layers:
    """Layers of a graph, each drawn after the one before: the same calls give the same weights."""

    def __init__(self, seed: int) -> None:
        self.graph = Graph()
        self._generator = np.random.default_rng(seed)

    def conv(
        self, x: str, name: str, channels: int, out: int, kernel: int, stride: int = 1, group: int = 1, scale: float = 1
    ) -> str:
        """A convolution with bias, `channels` to `out`, padded by half its kernel; weights He-normal times `scale`."""
        fan_in = channels // group * kernel**2
        filters = self._normal((out, channels // group, kernel, kernel), scale * np.sqrt(2 / fan_in))
        operands = [x, self._held(f"{name}.weight", filters), self._held(f"{name}.bias", self._normal((out,), 0.05))]
        half = kernel // 2
        shape: dict[str, Any] = {
            "kernel_shape": [kernel] * 2,
            "strides": [stride] * 2,
            "pads": [half] * 4,
            "group": group,
        }
        return self.graph.add("Conv", operands, name, **shape)

    def linear(self, x: str, name: str, features: int, out: int, scale: float = 1) -> str:
        """X @ weights + bias over the last axis, `features` to `out`."""
        weights = self._normal((features, out), scale / np.sqrt(features))
        product = self.graph.add("MatMul", [x, self._held(f"{name}.weight", weights)], f"{name}.product")
        return self.graph.add("Add", [product, self._held(f"{name}.bias", self._normal((out,), 0.05))], name)

    def norm(self, x: str, name: str, features: int) -> str:
        """Layer normalisation over the last axis, close to the plain one."""
        gain = self._held(f"{name}.gain", 1 + self._normal((features,), 0.1))
        offset = self._held(f"{name}.offset", self._normal((features,), 0.1))
        return self.graph.add("LayerNormalization", [x, gain, offset], name, axis=-1, epsilon=1e-12)

    def _normal(self, shape: tuple[int, ...], deviation: float) -> NDArray[np.float32]:
        return (self._generator.standard_normal(shape, np.float32) * np.float32(deviation)).astype(np.float32)

    def _held(self, name: str, value: NDArray[np.float32]) -> str:
        return self.graph.constant(name, value)
