"""TPU results: `tpu.mlir` run op by op, untiled, bit for bit as the chip must run it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue

from compiler.dialects.access import Box
from compiler.dialects.host import HostOp
from compiler.dialects.structure import InputOp, NoneOp, WeightOp, only_on_host
from compiler.dialects.tpu.base import TpuOp, frame_of
from compiler.interpreter.answers import evaluate
from compiler.interpreter.evaluate import Arrays
from compiler.ir.forms import form
from compiler.ir.network import Array, Network, name_of, shape
from compiler.ir.storage import is_quantised, storage
from compiler.schedule.tiling import Piece, cut, full
from simulator.arithmetic.casts import narrow, quantise, widen
from simulator.host import as_held, as_whole
from simulator.onnx_host import HostModel

Visit = Callable[[SSAValue, Array], Array | None]
"""
Called with each tensor of the network that isn't constant, in storage type, in order of execution.

An array that it returns takes the tensor's place for all that reads it; None leaves it as it was made.
"""

ABSENT = np.empty(0, np.int32)


class UnfitInput(ValueError):
    """A network input is missing, or isn't of the shape the network states."""


def run(network: Network, inputs: Mapping[str, Array], visit: Visit) -> dict[str, Array]:
    """
    Run a lowered network on `inputs` by name; give each tensor to `visit`, free it after its last use.

    Inputs are converted to the storage type as PyRuntime does on the host, and ops of the host run as there. Returns
    the network's results by tensor name, in storage type. Raises UnfitInput, HostFault.
    """
    values: dict[SSAValue, Array] = {}
    uses = Counter(value for op in network.ops for value in op.operands)
    for op in network.ops:
        if isinstance(op, ReturnOp):
            return {name_of(value): values[value] for value in op.operands}
        made = results_of(network, op, values, inputs)
        for value, array in zip(op.results, made, strict=True):
            other = visit(value, array) if isinstance(op, InputOp | TpuOp | HostOp) else None
            values[value] = array if other is None else other
        for value in op.operands:
            uses[value] -= 1
            if not uses[value]:
                values.pop(value, None)
    raise ValueError("the function has no return")


def results_of(
    network: Network, op: Operation, values: Mapping[SSAValue, Array], inputs: Mapping[str, Array]
) -> list[Array]:
    """What one op makes of the `values` of its operands, an input of `inputs` by name. Raises UnfitInput, HostFault."""
    return _on_host(network, op, values) if isinstance(op, HostOp) else [_result(network, op, values, inputs)]


def run_piece(op: TpuOp, operands: Arrays, piece: Piece) -> Array:
    """One piece from whole operands as frames, of which `evaluate` is given no more than it asks for."""
    return evaluate(op, [_crop(x, part.box) for x, part in zip(operands, piece.parts, strict=True)], piece)


def converted(value: SSAValue, array: Array) -> Array:
    """`array` in the storage type of `value`. Raises UnfitInput, BadFeed."""
    if array.shape != shape(value):
        raise UnfitInput(f"input {name_of(value)!r} is {array.shape}, the network takes {shape(value)}")
    if only_on_host(value):
        return as_held(f"input {name_of(value)!r}", form(value).dtype, array)
    if storage(value).kind in "iu" and not is_quantised(value):
        return as_whole(f"input {name_of(value)!r}", array, storage(value))
    wide = array.astype(np.float32) if array.dtype == np.float64 else widen(array)
    if is_quantised(value):
        held = form(value)
        return quantise(wide, held.scale, held.zero_point, storage(value), held.axis)
    return narrow(wide, storage(value))


def _result(network: Network, op: Operation, values: Mapping[SSAValue, Array], inputs: Mapping[str, Array]) -> Array:
    match op:
        case InputOp():
            if (name := name_of(op)) not in inputs:
                raise UnfitInput(f"no input {name!r}; given are {', '.join(inputs) or 'none'}")
            return converted(op.output, inputs[name])
        case WeightOp():
            return network.weights[name_of(op)]
        case NoneOp():
            return ABSENT
        case TpuOp():
            operands = [_framed(value, values[value]) for value in op.operands]
            return run_piece(op, operands, cut(op, full(op))).reshape(shape(op.output))
        case _:
            raise TypeError(f"{op.name} at {name_of(op)!r} isn't a Tpu op: lower the network first")


def _on_host(network: Network, op: HostOp, values: Mapping[SSAValue, Array]) -> list[Array]:
    model = HostModel(network.weights[op.model.data].tobytes(), name_of(op.outputs[0]), op.kind.data)
    operands = [(values[value], form(value)) for value in op.inputs]
    return model.run(operands, [form(value) for value in op.outputs])


def _framed(value: SSAValue, array: Array) -> Array:
    return array if array is ABSENT else array.reshape(frame_of(value))


def _crop(array: Array, box: Box) -> Array:
    return array[tuple(slice(r.start, r.stop) for r in box)] if box else array
