"""Tpu networks built by hand for the tests of scheduling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import FunctionType, ModuleOp, NoneType, StringAttr, TensorType, f32, i32
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from compiler.dialects.fields import integer, ints
from compiler.dialects.quant import I8, UniformType
from compiler.dialects.structure import InputOp, NoneOp, WeightOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.contraction import ConvOp
from compiler.ir.network import Network, named, shape
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
        self, kind: type[TpuOp], operands: Sequence[SSAValue], dims: Sequence[int], **attributes: Attribute
    ) -> SSAValue:
        """An op whose result has extents `dims`."""
        made = TensorType(self.element, dims)
        defaults = {
            name: a.default_value for name, a in kind.get_irdl_definition().attributes.items() if a.default_value
        }
        return self._add(kind.create(operands=operands, result_types=[made], attributes={**defaults, **attributes}))

    def dims(self, value: SSAValue) -> tuple[int, ...]:
        """The extents of a value."""
        return shape(value)

    def conv(self, x: SSAValue, oc: int, kernel: int, stride: int = 1, depthwise: bool = False) -> SSAValue:
        """A convolution with bias that keeps the picture's size but for its stride."""
        n, ic, h, w = shape(x)
        pad = kernel // 2
        operands = [x, self.weight(1, oc, 1 if depthwise else ic, kernel * kernel), self.params(oc)]
        rows, columns = (h + 2 * pad - kernel) // stride + 1, (w + 2 * pad - kernel) // stride + 1
        window = {"kernel_shape": ints(kernel, kernel), "strides": ints(stride, stride), "pads": ints(*[pad] * 4)}
        return self.op(ConvOp, operands, (n, oc, rows, columns), group=integer(ic if depthwise else 1), **window)

    def rescale(self) -> dict[str, Attribute]:
        """Attributes of a requantisation by about 1/4."""
        return {"multiplier": integer(1 << 30), "rshift": integer(32)}

    def params(self, channels: int) -> SSAValue:
        """Bias alone, or for int8 bias, multiplier and a shift that keeps results within the type's range."""
        if self.element != INT8:
            return self.weight(1, channels, 1, 1, element=f32)
        value = self.weight(1, channels, 1, 3, element=i32)
        table = self.weights[f"t{len(self.ops) - 1}"]
        table[..., 1] += 1 << 30
        table[..., 2] += 38
        return value

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


def convolutions(channels: int, side: int) -> Network:
    """Three convolutions in a row, of pictures that keep their channels and their size."""
    b = Builder()
    x = b.input(1, channels, side, side)
    for _ in range(3):
        x = b.conv(x, channels, 3)
    return b.finish(x)
