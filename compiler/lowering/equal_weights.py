"""Equal constants are one: an unrolled network has its weights in every step, the chip holds and loads them once."""

from __future__ import annotations

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.structure import WeightOp
from compiler.dialects.tpu.base import TpuOp
from compiler.ir.network import Network, name_of, tensor


def merge_equal_weights(network: Network) -> None:
    """Let ops of the chip read the first of the weights of one type with the same bytes; drop the others."""
    first = dict[tuple[TensorType[Attribute], bytes], SSAValue]()
    for op in network.ops:
        if isinstance(op, WeightOp) and all(isinstance(use.operation, TpuOp) for use in op.output.uses):
            kept = first.setdefault((tensor(op.output), network.weights[name_of(op)].tobytes()), op.output)
            if kept is not op.output:
                op.output.replace_all_uses_with(kept)
                del network.weights[name_of(op)]
                op.detach()
                op.erase()
