"""How operands lie for the chip: weights in its layout, activations in the frame that an op wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import integer, ints
from compiler.dialects.quant import UniformType
from compiler.dialects.top.base import Activated
from compiler.dialects.top.contraction import ConvOp, MatMulOp
from compiler.dialects.top.transposed import DeconvOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import ConcatOp, SliceOp
from compiler.ir.axis_types import joined, taken
from compiler.ir.network import Array, Shape, shape, tensor
from compiler.lowering.job import Job

PLANE = ints(2, 3)
"""The axes of a frame that a reduction of a whole plane runs over."""

GroupMaker = Callable[[SSAValue, Array, slice, str], TpuOp]
"""From input channels, their filters, the range of output channels and a tag for names, the convolution."""


def chip_filter(filters: Array) -> Array:
    """(oc, ic / group, kh, kw) → (1, oc, ic / group, kh·kw)."""
    return filters.reshape(1, *filters.shape[:2], -1)


def per_channel(values: Array) -> Array:
    """(oc) → (1, oc, 1, 1)."""
    return values.reshape(1, -1, 1, 1)


def chip_right(op: MatMulOp, right: Array, job: Job) -> Array:
    """(k, n), or (n, k) if transposed → (1, n, k, 1). Raises Unlowerable for a batch of matrices."""
    if any(extent != 1 for extent in right.shape[:-2]):
        raise job.refusal(f"the right operand {list(right.shape)} is a batch of matrices, the chip multiplies by one")
    matrix = right.reshape(right.shape[-2:])
    turned = matrix if op.right_transpose else matrix.T
    return turned.reshape(1, *turned.shape, 1)


def as_matrix(op: MatMulOp, x: SSAValue, job: Job) -> SSAValue:
    """(…, m, k) → (rows, k), a view."""
    return job.reshape(x, (int(np.prod(shape(x)[:-1])), op.depth), "rows")


def aligned(value: SSAValue, output: SSAValue) -> Shape:
    """The extents of an operand, filled up with ones in front to the rank of the output, as numpy broadcasts."""
    return (*(1,) * (len(shape(output)) - len(shape(value))), *shape(value))


def activation(op: Activated) -> dict[str, Attribute]:
    """The attributes that state the Relu of `op`."""
    return {"do_relu": op.do_relu, "relu_limit": op.relu_limit}


def pointwise(op: Activated, x: SSAValue) -> dict[str, Attribute]:
    """The attributes of a 1×1 convolution of each channel by itself, with the Relu of `op`."""
    return {"kernel_shape": ints(1, 1), "group": integer(shape(x)[1]), **activation(op)}


def by_groups(op: ConvOp | DeconvOp, x: SSAValue, filters: Array, job: Job, make: GroupMaker) -> TpuOp:
    """
    The convolution as the chip has it, dense or depthwise; any other grouping is sliced, convolved and concatenated.

    `filters` (oc, ic / group, kh, kw).
    """
    (n, ic, h, w), oc, groups = shape(x), filters.shape[0], op.groups
    if groups in (1, ic) and (groups == 1 or oc == ic):
        return make(x, filters, slice(None), "")
    parts = list[SSAValue]()
    for g in range(groups):
        channels = slice(g * oc // groups, (g + 1) * oc // groups)
        depth = ic // groups
        dims = (n, depth, h, w)
        part = SliceOp(
            operands=[x],
            result_types=[TensorType(taken(tensor(x).element_type, 1, range(g * depth, (g + 1) * depth)), dims)],
            attributes={"offset": ints(0, g * depth, 0, 0), "steps": ints(1, 1, 1, 1)},
        )
        inner = make(job.insert(part, f"in{g}"), filters[channels], channels, str(g))
        parts.append(job.insert(inner, f"group{g}"))
    result = TensorType(_whole([tensor(part).element_type for part in parts], oc // groups), shape(op.output))
    return ConcatOp(operands=[parts], result_types=[result], attributes={"axis": integer(1)})


def _whole(elements: Sequence[Attribute], count: int) -> Attribute:
    """The element type of parts of so many channels each."""
    quantised = [element for element in elements if isinstance(element, UniformType)]
    return joined(quantised, [count] * len(quantised), 1) if quantised else elements[0]
