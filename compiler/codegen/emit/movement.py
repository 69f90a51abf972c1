"""Ops without a command of their own: the moves that lay their result out, or nothing moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from xdsl.ir import Operation

from compiler.codegen.emit.emit import Place, emit
from compiler.codegen.operands import part_of, stretched
from compiler.dialects.access import Follows, Frame
from compiler.dialects.tpu import ops as tpu
from compiler.dialects.tpu.base import frame_of
from compiler.ir.interface import Interface
from compiler.schedule.fetching import fetching_order
from compiler.schedule.tiling import Piece
from simulator.chip import Chip
from simulator.isa.record import Command, Operand


@emit.on(tpu.Movement, tpu.ReshapeOp)
def movement(op: tpu.TpuOp, piece: Piece, place: Place) -> Iterator[Command]:
    return iter(())


@Interface
def moves(op: Operation, piece: Piece, sources: Sequence[Operand], made: Operand, chip: Chip) -> Iterator[Command]:
    """
    The commands that lay `piece` of an op out in local memory at `made`.

    `sources` are the parts that the piece reads, in global memory, without operands that it reads nothing of.
    """
    raise NotImplementedError


@moves.on(tpu.Movement)
def laid_out(
    op: tpu.Movement, piece: Piece, sources: Sequence[Operand], made: Operand, chip: Chip
) -> Iterator[Command]:
    """A load for each operand, its axes in the result's order and by the steps that the result takes."""
    order = op.order()
    read = [(part, access) for part, access in zip(piece.parts, op.reads(), strict=True) if all(part.box)]
    for source, (part, access) in zip(sources, read, strict=True):
        steps = [entry.scale if isinstance(entry, Follows) else 1 for entry in access]
        n, c, h, w = (-(-source.dims[axis] // steps[axis]) for axis in order)
        sn, sc, sh, sw = (source.strides[axis] * steps[axis] for axis in order)
        local = part_of(made, [part.before[axis] for axis in order], (n, c, h, w), chip)
        turned = replace(source, dims=local.dims, strides=(sn, sc, sh, sw))
        named = fetching_order(turned.dims, turned.strides)
        yield Command("LOAD", {"out": _named(local, named), "in": _named(turned, named)})


@moves.on(tpu.ExpandOp)
def expand(op: tpu.ExpandOp, piece: Piece, sources: Sequence[Operand], made: Operand, chip: Chip) -> Iterator[Command]:
    yield Command("LOAD", {"out": made, "in": stretched(sources[0], made.dims)})


@moves.on(tpu.GatherOp)
def gather(op: tpu.GatherOp, piece: Piece, sources: Sequence[Operand], made: Operand, chip: Chip) -> Iterator[Command]:
    (table, index), axis = sources, op.axis.value.data
    dims = _but(axis, made.dims, table.dims[axis])
    yield Command(
        "GATHER",
        {"out": made, "in": stretched(table, dims), "index": stretched(index, made.dims)},
        {"axis": axis},
    )


@moves.on(tpu.ScatterOp)
def scatter(
    op: tpu.ScatterOp, piece: Piece, sources: Sequence[Operand], made: Operand, chip: Chip
) -> Iterator[Command]:
    """The input's part, then all that lands in it."""
    (held, index, updates), axis = sources, op.axis.value.data
    yield Command("LOAD", {"out": made, "in": held})
    yield Command(
        "SCATTER",
        {"out": made, "in": updates, "index": stretched(index, updates.dims)},
        {"axis": axis, "first": piece.work[axis].start, "rows": frame_of(op.input)[axis]},
        op.function.data,
    )


def _named(operand: Operand, order: Frame) -> Operand:
    """The same elements, the axes named in another order; channels are where they were."""
    a, b, c, d = order
    dims, strides = operand.dims, operand.strides
    return replace(
        operand, dims=(dims[a], dims[b], dims[c], dims[d]), strides=(strides[a], strides[b], strides[c], strides[d])
    )


def _but(axis: int, dims: Frame, extent: int) -> Frame:
    """The extents with another one on an axis."""
    n, c, h, w = (extent if i == axis else n for i, n in enumerate(dims))
    return n, c, h, w
