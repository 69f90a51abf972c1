"""From a part of an op's result to the parts of its operands: one derivation, by access maps, for every op."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import TensorType

from compiler.dialects.access import Box, Frame, Whole
from compiler.dialects.tpu.base import TpuOp, frame_of


@dataclass(frozen=True)
class Part:
    """
    What a piece reads of one operand: the box that exists, and how far the wish overhangs it on each axis.

    The overhang is the piece's padding for a window, and for a concatenation where in the piece the operand lies. An
    absent operand has no axes.
    """

    box: Box
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()


@dataclass(frozen=True)
class Piece:
    """A part of an op's work (five ranges: its result's frame, its reduction) and what it reads of each operand."""

    work: Box
    parts: tuple[Part, ...]


def cut(op: TpuOp, work: Box) -> Piece:
    """The piece of `op` that does `work`. A part has an empty range where the piece reads nothing of the operand."""
    parts = list[Part]()
    for value, access in zip(op.operands, op.reads(), strict=True):
        if not isinstance(value.type, TensorType):
            parts.append(Part(()))
            continue
        extents = frame_of(value)
        wishes = [
            range(n) if isinstance(entry, Whole) else entry.wish(work) for n, entry in zip(extents, access, strict=True)
        ]
        parts.append(_part(extents, wishes))
    return Piece(work, tuple(parts))


def full(op: TpuOp) -> Box:
    """All of the op's work: a whole op is one piece."""
    return (*map(range, frame_of(op.output)), range(op.reduction()))


def clamped(wish: range, extent: int) -> range:
    """The indices of a wish that exist; empty, at the nearer end, where none does."""
    return range(min(max(wish.start, 0), extent), min(max(wish.stop, 0), extent))


def _part(extents: Frame, wishes: list[range]) -> Part:
    box = tuple(clamped(wish, extent) for wish, extent in zip(wishes, extents, strict=True))
    before = tuple(kept.start - wish.start for kept, wish in zip(box, wishes, strict=True))
    after = tuple(wish.stop - kept.stop for kept, wish in zip(box, wishes, strict=True))
    return Part(box, before, after)
