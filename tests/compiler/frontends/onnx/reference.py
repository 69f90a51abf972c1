"""onnxruntime's answers, and how near ours have to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from compiler.comparison import on_the_way
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.frontends.onnx.session import Session
from compiler.ir.network import Network

Arrays = dict[str, NDArray[Any]]


def feeds(model: onnx.ModelProto, seed: int = 3) -> Arrays:
    """Seeded normal inputs."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(0, 1, dims).astype(np.float32) for name, dims in Session(model).inputs.items()}


def every_tensor(model: onnx.ModelProto, fed: Arrays) -> Arrays:
    """Every tensor by `<output>_<op type>`, of the model itself."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    names = {name: f"{name}_{node.op_type}" for node in model.graph.node for name in node.output if name}
    del whole.graph.output[:]
    whole.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return {names[name]: array for name, array in Session(whole, threads=1).run(fed).items()}


def run(network: Network, fed: Arrays) -> Arrays:
    """Every tensor of a Top network by name."""
    return Reference(network, threads=1).run(fed)


def assert_near(found: Arrays, expected: Arrays, tolerance: float = 2e-5) -> None:
    """
    Each tensor found has a partner, of its extents, and differs by at most `tolerance` of its largest value.

    One on the way to a tensor expected may lack a partner.
    """
    for name, array in found.items():
        if name not in expected and on_the_way(name, expected):
            continue
        partner = expected[name]
        assert array.shape == partner.shape, name
        largest = float(np.max(np.abs(partner), initial=1e-3))
        assert np.max(np.abs(array - partner), initial=0) <= tolerance * largest, name
