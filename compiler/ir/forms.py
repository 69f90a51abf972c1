"""How a value is stored, as the chip's and the host's runtime speak of it."""

from __future__ import annotations

from xdsl.ir import SSAValue

from compiler.ir.storage import is_quantised, scale, storage, zero_point
from simulator.onnx_host import Form


def form(value: SSAValue) -> Form:
    """A tensor value's storage type, with scale and zero point where it is quantised."""
    if is_quantised(value):
        return Form(storage(value).name, scale(value), zero_point(value))
    return Form(storage(value).name)
