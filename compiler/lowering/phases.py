"""What a transposed convolution needs so that its phases are plain convolutions on the chip."""

from __future__ import annotations

from dataclasses import replace

from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import integer, ints
from compiler.dialects.top.transposed import DeconvOp
from compiler.dialects.transposed import Transposed
from compiler.ir.network import shape
from compiler.lowering.job import Job
from compiler.lowering.layout import activation
from compiler.lowering.surround import surrounded


def attributes_of(op: DeconvOp, window: Transposed, group: int) -> dict[str, Attribute]:
    """The attributes of the chip's op, for all channels (`group` 1) or each by itself."""
    rows, columns = window.rows, window.columns
    return {
        "kernel_shape": ints(rows.taps, columns.taps),
        "strides": ints(rows.stride, columns.stride),
        "pads": ints(rows.pad, columns.pad),
        "dilations": ints(rows.dilation, columns.dilation),
        "group": integer(group),
        **activation(op),
    }


def met(op: DeconvOp, x: SSAValue, window: Transposed, job: Job) -> tuple[SSAValue, Transposed]:
    """`x` with the rows and columns of zeros without which some result's window would meet none of it."""
    made, extents = shape(op.output)[2:], shape(x)[2:]
    axes = window.rows, window.columns
    sides = [axis.overhang(made[i], extents[i]) for i, axis in enumerate(axes)]
    if not any(map(any, sides)):
        return x, window
    rows, columns = (replace(axis, pad=axis.pad + axis.stride * sides[i][0]) for i, axis in enumerate(axes))
    return job.insert(surrounded(x, [(0, 0), (0, 0), *sides], 0.0, job), "met"), Transposed(rows, columns)
