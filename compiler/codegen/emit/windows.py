"""Commands of transposed convolution and of resampling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compiler.codegen.emit.contraction import finish
from compiler.codegen.emit.emit import Place, emit
from compiler.dialects.tpu import ops as tpu
from compiler.dialects.transposed import Phase, Span
from compiler.ir.network import shape
from compiler.ir.storage import storage, zero_point
from compiler.schedule.tiling import Piece
from simulator.isa.record import Command, Operand


@emit.on(tpu.DeconvOp)
def deconv(op: tpu.DeconvOp, piece: Piece, place: Place) -> Iterator[Command]:
    """A convolution for each phase, which writes every so many rows and columns of the result."""
    source, weight, params = place.inputs
    assert source is not None
    assert weight is not None
    window, dims = op.window, shape(op.input)
    top, left = (piece.parts[0].box[axis].start for axis in (2, 3))
    dilations = {"dh": window.rows.dilation, "dw": window.columns.dilation}
    for phase in window.shares(piece.work[2], piece.work[3], (dims[2], dims[3])):
        pads = dict(zip(("pt", "pl", "pb", "pr"), phase.pads, strict=True))
        taps = {"kh": phase.kernel[0], "kw": phase.kernel[1], "sh": 1, "sw": 1, **dilations}
        operands: dict[str, Operand | None] = {
            "out": _spread(place.output, op, phase),
            "in": _along(_along(source, 2, _from(phase.rows, top)), 3, _from(phase.columns, left)),
            "filter": _along(weight, 3, range(phase.taps.start, phase.taps.stop)),
            "params": params,
        }
        if (acc := place.carried().get("acc")) is not None:
            operands["acc"] = _spread(acc, op, phase)
        yield Command("DWCONV" if op.depthwise else "CONV", operands, taps | pads | finish(op), flags=place.flags)


def _from(span: Span, first: int) -> range:
    """What a span reads, counted from an operand's first index."""
    return range(span.read.start - first, span.read.stop - first)


def _along(operand: Operand, axis: int, indices: range) -> Operand:
    """The part of a local operand that has these rows or columns, `indices.step` apart."""
    dims = tuple(len(indices) if i == axis else n for i, n in enumerate(operand.dims))
    strides = tuple(n * indices.step if i == axis else n for i, n in enumerate(operand.strides))
    (n, c, h, w), (sn, sc, sh, sw) = dims, strides
    addr = operand.addr + indices.start * operand.strides[axis]
    return replace(operand, addr=addr, dims=(n, c, h, w), strides=(sn, sc, sh, sw))


def _spread(operand: Operand, op: tpu.DeconvOp, phase: Phase) -> Operand:
    """The places of a phase's results in a tensor of all results."""
    rows, columns = (
        range(span.offset, span.offset + span.count * axis.stride, axis.stride)
        for span, axis in ((phase.rows, op.window.rows), (phase.columns, op.window.columns))
    )
    return _along(_along(operand, 2, rows), 3, columns)


@emit.on(tpu.ResampleOp)
def resample(op: tpu.ResampleOp, piece: Piece, place: Place) -> Iterator[Command]:
    source, table = place.inputs
    kind = storage(op.output)
    params: dict[str, float] = {"axis": op.along, "first": piece.parts[0].box[op.along].start}
    params |= {"zx": zero_point(op.input), "zy": zero_point(op.output)}
    if op.multiplier and op.rshift:
        limits = (-128, 127) if kind.kind == "i" else (0, 255)
        params |= {"multiplier": op.multiplier.value.data, "shift": op.rshift.value.data}
        params |= {"low": limits[0], "high": limits[1]}
    yield Command("RESAMPLE", {"out": place.output, "in": source, "table": table}, params, op.function.data)
