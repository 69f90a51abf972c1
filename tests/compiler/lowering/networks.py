"""Small Top networks built by hand, and their float reference by onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.dialects.builtin import (
    FloatData,
    FunctionType,
    IntegerType,
    ModuleOp,
    NoneType,
    Signedness,
    StringAttr,
    TensorType,
    f32,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.rewriter import Rewriter

from compiler.dialects.quant import CalibratedType
from compiler.dialects.structure import InputOp, NoneOp, WeightOp
from compiler.dialects.top.base import TopOp
from compiler.frontends.onnx.from_top.write import write
from compiler.frontends.onnx.session import Session
from compiler.ir.network import Array, Network, name_of, named, shape


class Builder:
    """Adds ops one after the other; weights are called w0, w1, …; ops t0, t1, …"""

    def __init__(self) -> None:
        self.block = Block()
        self.weights = dict[str, Array]()
        self.made = 0

    def input(self, name: str, *dims: int) -> SSAValue:
        """A network input."""
        kind = TensorType(f32, dims)
        argument = self.block.insert_arg(kind, len(self.block.args))
        return self._add(InputOp.create(operands=[argument], result_types=[kind]), name)

    def weight(self, array: Array) -> SSAValue:
        """A constant."""
        name = f"w{len(self.weights)}"
        self.weights[name] = np.asarray(array, np.float32)
        return self._add(WeightOp.create(result_types=[TensorType(f32, np.shape(array))]), name)

    def indices(self, array: Array) -> SSAValue:
        """A constant of si64."""
        name, kind = f"w{len(self.weights)}", TensorType(IntegerType(64, Signedness.SIGNED), np.shape(array))
        self.weights[name] = np.asarray(array, np.int64)
        return self._add(WeightOp.create(result_types=[kind]), name)

    def none(self) -> SSAValue:
        """An absent operand."""
        return self._add(NoneOp.create(result_types=[NoneType()]), "none")

    def op(self, kind: type[TopOp], *operands: SSAValue | Sequence[SSAValue], **attributes: Attribute) -> SSAValue:
        """An op; its attributes are settled and its result's extents inferred."""
        op = kind(operands=operands, result_types=[TensorType(f32, ())], attributes=attributes)
        op.settle()
        Rewriter.replace_value_with_new_type(op.output, TensorType(f32, op.infer_shape()))
        self.made += 1
        return self._add(op, f"t{self.made - 1}")

    def network(self, *results: SSAValue) -> Network:
        """The network that returns these values."""
        self.block.add_op(ReturnOp(*results))
        kinds = FunctionType.from_lists(self.block.arg_types, [value.type for value in results])
        main = FuncOp("main", kinds, Region(self.block))
        network = Network(ModuleOp([main], {"module.state": StringAttr("TOP_F32")}), dict(self.weights))
        network.module.verify()
        return network

    def _add(self, op: Operation, name: str) -> SSAValue:
        self.block.add_op(named(op, name))
        return op.results[0]


def reference(network: Network, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """Every tensor by onnxruntime, inputs included."""
    return {**feeds, **Session(write(network)).run(feeds)}


def calibrate(network: Network, tensors: Mapping[str, Array], spans: Mapping[str, tuple[float, float]]) -> None:
    """Give every tensor the type `!quant.calibrated` of its values' range, or of the span that is given for it."""
    for op in network.ops:
        for value in op.results:
            if not isinstance(op, WeightOp) and (name := name_of(value)) in tensors:
                low, high = spans.get(name, (float(tensors[name].min()), float(tensors[name].max())))
                kind = TensorType(CalibratedType(f32, FloatData(low), FloatData(high)), shape(value))
                Rewriter.replace_value_with_new_type(value, kind)
    network.main.update_function_type()
