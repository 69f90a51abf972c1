"""Commands of the multiply-accumulate cube."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from compiler.codegen.emit.emit import Place, emit
from compiler.dialects.fields import Window
from compiler.dialects.tpu import ops as tpu
from compiler.ir.storage import zero_point
from compiler.schedule.tiling import Part, Piece
from simulator.isa.record import Command, Operand


@emit.on(tpu.ConvOp)
def conv(op: tpu.ConvOp, piece: Piece, place: Place) -> Iterator[Command]:
    params = window_params(op.window, piece.parts[0]) | finish(op)
    name = "DWCONV" if op.depthwise else "CONV"
    yield Command(name, _operands(place), params, flags=place.flags)


@emit.on(tpu.MatMulOp)
def matmul(op: tpu.MatMulOp, piece: Piece, place: Place) -> Iterator[Command]:
    yield Command("MATMUL", _operands(place), finish(op), flags=place.flags)


def window_params(window: Window, part: Part) -> dict[str, float]:
    """Kernel, strides and dilations of a window, and the padding that a piece of it needs."""
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.strides, window.dilations
    pads = {"pt": part.before[2], "pl": part.before[3], "pb": part.after[2], "pr": part.after[3]}
    return {"kh": kh, "kw": kw, "sh": sh, "sw": sw, "dh": dh, "dw": dw, **pads}


def finish(op: tpu.Activated) -> dict[str, float]:
    """Zero points of the first operand and the result, and the clamp."""
    low, high = op.clamp()
    return {"zx": zero_point(op.operands[0]), "zy": zero_point(op.output), "low": low, "high": high}


def _operands(place: Place) -> Mapping[str, Operand | None]:
    source, weight, params = place.inputs
    return {"out": place.output, "in": source, "filter": weight, "params": params, **place.carried()}
