"""How a value is stored, as the chip's and the host's runtime speak of it."""

from __future__ import annotations

from xdsl.ir import SSAValue

from compiler.ir.storage import is_quantised, storage, uniform
from simulator.onnx_host import Form


def form(value: SSAValue) -> Form:
    """A tensor value's storage type, with scales and zero points where it is quantised."""
    if not is_quantised(value):
        return Form(storage(value).name)
    kind = uniform(value)
    scales, zeros = tuple(s.data for s in kind.scales), tuple(z.data for z in kind.zero_points)
    if kind.axis.data < 0:
        return Form(storage(value).name, scales[0], zeros[0])
    return Form(storage(value).name, scales, zeros, kind.axis.data)
