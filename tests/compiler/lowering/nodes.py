"""One ONNX node all the way: by onnxruntime, by the interpreter and on a small chip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from compiler import opt
from compiler.codegen.assemble import assemble
from compiler.dialects.host import HostOp
from compiler.dialects.tpu.base import TpuOp
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.session import Session
from compiler.frontends.onnx.to_top.read import read
from compiler.interpreter.results import results
from compiler.ir.network import Network, name_of
from compiler.lowering.walk import lower
from compiler.schedule.addresses import assign
from compiler.schedule.divide import divide
from compiler.stages.canonical_mlir import PIPELINE
from simulator.chip import CHIPS
from simulator.runtime import PyRuntime

Array = NDArray[Any]


@dataclass(frozen=True)
class Node:
    """A node, the operands that are fed by name, and those that are constant."""

    node: onnx.NodeProto
    fed: Mapping[str, Array]
    constants: Mapping[str, Array]
    opset: int = 20

    def model(self) -> onnx.ModelProto:
        """A model of the node alone."""
        inputs = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in self.fed.items()
        ]
        held = [numpy_helper.from_array(array, name) for name, array in self.constants.items()]
        outputs = [onnx.ValueInfoProto(name=name) for name in self.node.output if name]
        graph = helper.make_graph([self.node], "one", inputs, outputs, held)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=9)


def node(kind: str, *operands: Array | None, fed: Sequence[int] = (0,), outputs: int = 1, **attributes: Any) -> Node:
    """A node of operands in order, None for an absent one; those at `fed` are inputs, the others constants."""
    names = [f"x{i}" if array is not None else "" for i, array in enumerate(operands)]
    made = helper.make_node(kind, names, [f"y{i}" for i in range(outputs)], **attributes)
    given = {f"x{i}": array for i, array in enumerate(operands) if array is not None}
    inputs = {name: array for name, array in given.items() if int(name[1:]) in fed}
    return Node(made, inputs, {name: array for name, array in given.items() if name not in inputs})


def canonical(case: Node) -> Network:
    """The node's network as it goes to lowering."""
    network = read(prepare(case.model(), {}), "one")
    opt.run(network, opt.passes(PIPELINE))
    return network


def lowered(case: Node, mode: str = "f32") -> Network:
    """The node's network, canonical and lowered."""
    network = canonical(case)
    lower(network, mode)
    return network


def on_host(network: Network) -> list[str]:
    """Why ops of a network run on the host."""
    return [op.reason.data for op in network.ops if isinstance(op, HostOp)]


def check(case: Node, mode: str = "f32", seed: int | None = None) -> None:
    """
    Results are onnxruntime's, to the bit, no op runs on the host, and the chip's bits are the interpreter's.

    With a `seed` the chip's program is cut at random.
    """
    expected = Session(prepare(case.model(), {}), threads=1).run(case.fed)
    network = lowered(case, mode)
    assert on_host(network) == []
    returned = [name_of(value) for value in list(network.ops)[-1].operands]
    by_interpreter = results(network, case.fed).arrays
    for name, wanted in zip(returned, expected.values(), strict=True):
        found = by_interpreter[name]
        assert found.shape == wanted.shape
        assert np.array_equal(found.astype(wanted.dtype), wanted, equal_nan=wanted.dtype.kind == "f"), name
    chip = CHIPS["e8"]
    tensors = [name_of(op) for op in network.ops if isinstance(op, TpuOp)]
    divide(network, chip, 1, seed)
    assign(network)
    on_chip = PyRuntime(assemble(network, chip)).dump({name: by_interpreter[name] for name in case.fed})
    for name in tensors:
        assert on_chip[name].tobytes() == by_interpreter[name].tobytes(), name
