"""Tables between tensors of which one at least has a scale for each channel: one for each pair of scales there is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import SSAValue

from compiler.dialects.quant import UniformType
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import LutsOp
from compiler.ir.axis_types import reshaped
from compiler.ir.network import Array, shape
from compiler.ir.storage import scales_of, storage, uniform, zero_of
from compiler.lowering.borders import quantised_array
from compiler.lowering.integers import U8
from compiler.lowering.job import Job

MOST = 256
"""As many tables as a byte can number."""


def tables(x: SSAValue, element: UniformType, function: Callable[[Array], Array], job: Job) -> TpuOp:
    """
    The op's result in the type `element` of the quantised `x`: `function` of what each byte means, in float64.

    `x` is the op's operand, or a view of it in which the channels are an axis. Raises Unlowerable for more pairs of
    scales than a byte can number.
    """
    given, made = uniform(x), reshaped(element, shape(job.op.results[0]), shape(x))
    assert isinstance(made, UniformType)
    axis = max(given.axis.data, made.axis.data)
    extent = shape(x)[axis]
    pairs = np.stack([np.broadcast_to(scales_of(kind), extent) for kind in (given, made)])
    each, which = np.unique(pairs, axis=1, return_inverse=True)
    if len(each.T) > MOST:
        raise job.refusal(f"its channels have {len(each.T)} pairs of scales, more than {MOST}")
    raw = np.arange(256, dtype=np.uint8).view(storage(x)).astype(np.float64) - zero_of(given)
    rows = [quantised_array(function(raw * before), _of_scale(made, after)) for before, after in each.T.tolist()]
    along = [1] * len(shape(x))
    along[axis] = extent
    operands = [
        x,
        job.weight("tables", np.stack(rows).reshape(1, 1, -1, 256), made.storage),
        job.weight("which", which.reshape(along), U8),
    ]
    return LutsOp(operands=operands, result_types=[TensorType(made, shape(x))])


def _of_scale(like: UniformType, scale: float) -> UniformType:
    low, high = like.minimum.data, like.maximum.data
    return UniformType.per_tensor(scale, zero_of(like), like.storage, low=low, high=high)
