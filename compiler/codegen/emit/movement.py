"""Ops without a command of their own: loads or copies lay their result out, or nothing moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from xdsl.ir import Operation

from compiler.codegen.emit.emit import Place, emit
from compiler.codegen.operands import part_of, stretched
from compiler.dialects.access import Box, Follows, Frame, Whole
from compiler.dialects.tpu import ops as tpu
from compiler.dialects.tpu.base import frame_of
from compiler.ir.interface import Interface
from compiler.schedule.fetching import copying_order, fetching_order
from compiler.schedule.tiling import Piece
from simulator.chip import Chip
from simulator.isa.record import Command, Operand
from simulator.layout import up


@emit.on(tpu.Movement, tpu.ReshapeOp)
def movement(op: tpu.TpuOp, piece: Piece, place: Place) -> Iterator[Command]:
    return iter(())


Sources = Sequence[Operand | None]
"""For each operand the part that the piece reads, in global memory; None where it reads nothing, or a local one."""


@Interface
def loads(op: Operation, index: int, piece: Piece, sources: Sources, made: Operand, chip: Chip) -> Iterator[Command]:
    """The commands that stand where the Load of operand `index` does, to lay out `piece` in local memory at `made`."""
    raise NotImplementedError


@loads.on(tpu.Movement)
def laid_out(
    op: tpu.Movement, index: int, piece: Piece, sources: Sources, made: Operand, chip: Chip
) -> Iterator[Command]:
    """A load with its axes in the result's order, by the steps that the result takes."""
    if (source := sources[index]) is not None:
        local, turned = _from_to(op, index, piece, source, made, chip)
        named = fetching_order(turned.dims, turned.strides)
        yield Command("LOAD", {"out": _named(local, named), "in": _named(turned, named)})


@loads.on(tpu.GatherOp)
def gather(
    op: tpu.GatherOp, index: int, piece: Piece, sources: Sources, made: Operand, chip: Chip
) -> Iterator[Command]:
    table, told = sources
    if index != 1 or table is None or told is None:
        return
    axis = op.axis.value.data
    dims = _but(axis, made.dims, table.dims[axis])
    operands = {"out": made, "in": stretched(table, dims), "index": stretched(told, made.dims)}
    yield Command("GATHER", operands, {"axis": axis})


@loads.on(tpu.ScatterOp)
def scatter(
    op: tpu.ScatterOp, index: int, piece: Piece, sources: Sources, made: Operand, chip: Chip
) -> Iterator[Command]:
    """The input's part, then all that lands in it."""
    held, told, updates = sources
    if index != 2 or held is None or told is None or updates is None:
        return
    axis = op.axis.value.data
    yield Command("LOAD", {"out": made, "in": held})
    operands = {"out": made, "in": updates, "index": stretched(told, updates.dims)}
    params = {"axis": axis, "first": piece.work[axis].start, "rows": frame_of(op.input)[axis]}
    yield Command("SCATTER", operands, params, op.function.data)


def copied(op: tpu.Movement, index: int, piece: Piece, source: Operand, made: Operand, chip: Chip) -> Command:
    """The copy of what `piece` reads of operand `index`, held in local memory at `source`, to its place in `made`."""
    local, turned = _from_to(op, index, piece, source, made, chip)
    named = copying_order(local.dims, chip.eu_bytes // local.dtype.itemsize)
    return Command("COPY", {"out": _named(local, named), "in": _named(turned, named)})


def viewed(op: tpu.Movement, piece: Piece, source: Operand, chip: Chip) -> Operand:
    """The result of `piece` seen in its operand's buffer."""
    return _from_to(op, 0, piece, source, source, chip)[1]


def seen_at(op: tpu.Movement, piece: Piece, box: Box) -> Box:
    """The part of `piece`, a view, that is seen of a box of the operand."""
    (access,), order = op.reads(), op.order()
    return tuple(_seen(made, box[axis], access[axis]) for made, axis in zip(piece.work, order, strict=False))


def _seen(made: range, source: range, entry: Follows | Whole) -> range:
    if isinstance(entry, Whole):
        return made if source else range(0)
    start, stop = up(source.start - entry.first, entry.scale), up(source.stop - entry.first, entry.scale)
    return range(max(start, made.start), min(stop, made.stop))


def place_in(op: tpu.Movement, index: int, piece: Piece, made: Operand, chip: Chip) -> Operand:
    """Where in the result at `made` operand `index` lies."""
    return part_of(made, *_laid(op, index, piece), chip)


def landing(op: tpu.Movement, index: int, piece: Piece) -> Box:
    """The part of the result's frame that operand `index` fills."""
    starts, dims = _laid(op, index, piece)
    places = zip(piece.work, starts, dims, strict=False)
    return tuple(range(work.start + start, work.start + start + extent) for work, start, extent in places)


def _laid(op: tpu.Movement, index: int, piece: Piece) -> tuple[Frame, Frame]:
    """Where in the piece what it reads of an operand lies, and its extents there."""
    part, access, order = piece.parts[index], op.reads()[index], op.order()
    steps = [entry.scale if isinstance(entry, Follows) else 0 for entry in access]
    n, c, h, w = (
        (part.before[axis], up(len(part.box[axis]), steps[axis])) if steps[axis] else (0, len(piece.work[i]))
        for i, axis in enumerate(order)
    )
    return (n[0], c[0], h[0], w[0]), (n[1], c[1], h[1], w[1])


def _from_to(
    op: tpu.Movement, index: int, piece: Piece, source: Operand, made: Operand, chip: Chip
) -> tuple[Operand, Operand]:
    """An operand's place in the result, and its elements named as there; what is repeated has a stride of 0."""
    access, order = op.reads()[index], op.order()
    starts, dims = _laid(op, index, piece)
    steps = [entry.scale if isinstance(entry, Follows) else 0 for entry in access]
    n, c, h, w = (source.strides[axis] * steps[axis] for axis in order)
    return part_of(made, starts, dims, chip), replace(source, dims=dims, strides=(n, c, h, w))


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
