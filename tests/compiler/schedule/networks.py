"""Tpu networks built by hand for the tests of scheduling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import FunctionType, ModuleOp, NoneType, StringAttr, TensorType, f32, i32
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from compiler.dialects.quant import I8, UniformType
from compiler.dialects.structure import InputOp, NoneOp, WeightOp
from compiler.ir.network import Network, named
from compiler.ir.storage import dtype_of

INT8 = UniformType.per_tensor(0.05)


class Builder:
    """Adds ops one after the other; every tensor gets a name that counts up."""

    def __init__(self, element: Attribute = INT8) -> None:
        self.element = element
        self.ops = list[Operation]()
        self.weights = dict[str, np.ndarray]()
        self.inputs = list[TensorType[Attribute]]()
        self.random = np.random.default_rng(0)
        self.block = Block()

    def input(self, *dims: int) -> SSAValue:
        """A network input."""
        kind = TensorType(self.element, dims)
        argument = self.block.insert_arg(kind, len(self.block.args))
        return self._add(InputOp.create(operands=[argument], result_types=[kind]))

    def weight(self, *dims: int, element: Attribute | None = None) -> SSAValue:
        """Random constants: integers of the element type, or normal floats."""
        element = element or (I8 if self.element == INT8 else self.element)
        value = self._add(WeightOp.create(result_types=[TensorType(element, dims)]))
        kind = dtype_of(element)
        drawn = self.random.integers(-5, 6, dims) if kind.kind == "i" else self.random.normal(size=dims)
        self.weights[f"t{len(self.ops) - 1}"] = drawn.astype(kind)
        return value

    def none(self) -> SSAValue:
        """An absent operand."""
        op = NoneOp.create(result_types=[NoneType()])
        self.ops.append(op)
        return op.results[0]

    def op(
        self, kind: type[Operation], operands: Sequence[SSAValue], dims: Sequence[int], **attributes: Attribute
    ) -> SSAValue:
        """An op whose result has extents `dims`."""
        made = TensorType(self.element, dims)
        return self._add(kind.build(operands=operands, result_types=[made], attributes=attributes))

    def params(self, channels: int) -> SSAValue:
        """Bias alone, or for int8 bias, multiplier and shift."""
        return (
            self.weight(1, channels, 1, 3, element=i32)
            if self.element == INT8
            else self.weight(1, channels, 1, 1, element=f32)
        )

    def finish(self, *returned: SSAValue) -> Network:
        """The network that returns these values."""
        self.block.add_ops([*self.ops, ReturnOp(*returned)])
        kinds = FunctionType.from_lists([a.type for a in self.block.args], [v.type for v in returned])
        module = ModuleOp([FuncOp("main", kinds, Region(self.block))])
        module.attributes["module.state"] = StringAttr("TPU_LOWERED")
        module.attributes["module.weight_file"] = StringAttr("tpu_weights.npz")
        module.verify()
        return Network(module, self.weights)

    def _add(self, op: Operation) -> SSAValue:
        self.ops.append(named(op, f"t{len(self.ops)}"))
        return op.results[0]
