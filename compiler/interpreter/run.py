"""TPU results: `tpu.mlir` run op by op, untiled, bit for bit as the chip must run it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue

from compiler.dialects.access import Box
from compiler.dialects.structure import InputOp, NoneOp, WeightOp
from compiler.dialects.tpu.base import TpuOp, frame_of
from compiler.interpreter.answers import evaluate
from compiler.interpreter.evaluate import Arrays
from compiler.ir.network import Array, Network, name_of, shape
from compiler.ir.storage import is_quantised, scale, storage, zero_point
from compiler.schedule.tiling import Piece, cut, full
from simulator.arithmetic.casts import narrow, quantise

Visit = Callable[[Operation, Array], None]
"""Called with each input and op of the network and its result in storage type, in order of execution."""

ABSENT = np.empty(0, np.int32)


class UnfitInput(ValueError):
    """A network input is missing, or isn't of the shape the network states."""


def run(network: Network, inputs: Mapping[str, Array], visit: Visit) -> dict[str, Array]:
    """
    Run a lowered network on float32 `inputs` by name; give each tensor to `visit`, free it after its last use.

    Inputs are converted to the storage type as PyRuntime does on the host. Returns the network's results by tensor
    name, in storage type. Raises UnfitInput.
    """
    values: dict[SSAValue, Array] = {}
    uses = Counter(value for op in network.ops for value in op.operands)
    for op in network.ops:
        if isinstance(op, ReturnOp):
            return {name_of(value): values[value] for value in op.operands}
        made = _result(network, op, values, inputs)
        if isinstance(op, InputOp | TpuOp):
            visit(op, made)
        values[op.results[0]] = made
        for value in op.operands:
            uses[value] -= 1
            if not uses[value]:
                values.pop(value, None)
    raise ValueError("the function has no return")


def run_piece(op: TpuOp, operands: Arrays, piece: Piece) -> Array:
    """One piece from whole operands as frames, of which `evaluate` is given no more than it asks for."""
    return evaluate(op, [_crop(x, part.box) for x, part in zip(operands, piece.parts, strict=True)], piece)


def converted(value: SSAValue, array: Array) -> Array:
    """float32 `array` in the storage type of `value`. Raises UnfitInput."""
    if array.shape != shape(value):
        raise UnfitInput(f"input {name_of(value)!r} is {array.shape}, the network takes {shape(value)}")
    if is_quantised(value):
        return quantise(array, scale(value), zero_point(value), storage(value))
    return narrow(array, storage(value))


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


def _framed(value: SSAValue, array: Array) -> Array:
    return array if array is ABSENT else array.reshape(frame_of(value))


def _crop(array: Array, box: Box) -> Array:
    return array[tuple(slice(r.start, r.stop) for r in box)] if box else array
