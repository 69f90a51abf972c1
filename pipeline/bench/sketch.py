"""A Tpu network written op by op, for measurements that need no model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import FunctionType, ModuleOp, NoneType, StringAttr, TensorType
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from compiler.dialects.quant import I8, UniformType
from compiler.dialects.structure import InputOp, NoneOp, WeightOp
from compiler.dialects.tpu.base import TpuOp
from compiler.ir import files
from compiler.ir.network import Array, Network, Shape, name_of, named, shape, tensor
from compiler.ir.storage import dtype_of, scale
from compiler.npz import write_npz

SEED = 7


class Sketch:
    """Adds ops one after the other; `x0`, `x1`, … are the names of what is fed, `t0`, `t1`, … of what is made."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(SEED)
        self._block = Block()
        self._ops = list[Operation]()
        self._weights = dict[str, Array]()

    def fed(self, element: Attribute, extents: Shape) -> SSAValue:
        """A network input."""
        kind = TensorType(element, extents)
        argument = self._block.insert_arg(kind, len(self._block.args))
        made = InputOp.create(operands=[argument], result_types=[kind])
        return self._add(named(made, f"x{len(self._block.args) - 1}"))

    def constant(self, element: Attribute, array: Array) -> SSAValue:
        """A weight."""
        name = f"w{len(self._weights)}"
        self._weights[name] = array.astype(dtype_of(element))
        return self._add(named(WeightOp.create(result_types=[TensorType(element, array.shape)]), name))

    def drawn(self, element: Attribute, extents: Shape) -> SSAValue:
        """A weight from the seed: whole numbers in -31..31 for int8, else normal with variance 1 ÷ last extents."""
        if element == I8:
            return self.constant(element, self.random.integers(-31, 32, extents))
        fan = max(int(np.prod(extents[2:])), 1)
        return self.constant(element, self.random.normal(0, fan**-0.5, extents).astype(np.float32))

    def absent(self) -> SSAValue:
        """Stands for an operand that isn't there."""
        return self._add(NoneOp.create(result_types=[NoneType()]))

    def op(
        self,
        kind: type[TpuOp],
        operands: Sequence[SSAValue | Sequence[SSAValue]],
        element: Attribute,
        extents: Shape,
        **attributes: Attribute,
    ) -> SSAValue:
        """An op with a result of that element type and those extents."""
        made = kind.build(operands=operands, result_types=[TensorType(element, extents)], attributes=attributes)
        return self._add(named(made, f"t{sum(isinstance(op, TpuOp) for op in self._ops)}"))

    def save(self, returned: SSAValue, mode: str, folder: Path) -> None:
        """Write `tpu.mlir` with its weights, and `evaluation.npz` with one sample for each input."""
        self._block.add_ops([*self._ops, ReturnOp(returned)])
        kinds = FunctionType.from_lists([arg.type for arg in self._block.args], [returned.type])
        module = ModuleOp([FuncOp("main", kinds, Region(self._block))])
        for name, text in (("state", "TPU_LOWERED"), ("mode", mode), ("chip", "ALL"), ("platform", "ONNX")):
            module.attributes[f"module.{name}"] = StringAttr(text)
        module.verify()
        files.save(Network(module, self._weights), folder, "tpu")
        inputs = [op for op in self._ops if isinstance(op, InputOp)]
        write_npz(folder / "evaluation.npz", {name_of(op): self._sample(op.output) for op in inputs})

    def _sample(self, value: SSAValue) -> Array:
        """float32 values that use the whole range of the type."""
        element = tensor(value).element_type
        if isinstance(element, UniformType):
            limits = element.minimum.data, element.maximum.data + 1
            return (self.random.integers(*limits, shape(value)) * scale(value)).astype(np.float32)
        return self.random.normal(0, 2, shape(value)).astype(np.float32)

    def _add(self, op: Operation) -> SSAValue:
        self._ops.append(op)
        return op.results[0]
