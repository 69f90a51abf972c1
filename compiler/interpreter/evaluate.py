"""The question the interpreter asks of every Tpu op."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Operation

from compiler.dialects.access import Frame
from compiler.ir.interface import Interface
from compiler.ir.network import Array
from compiler.schedule.tiling import Piece

Arrays = Sequence[Array]


@Interface
def evaluate(op: Operation, inputs: Arrays, piece: Piece) -> Array:
    """
    The result box (n, c, h, w) of `piece`, whose reduction is whole, bit for bit as the chip makes it.

    `inputs` are the operand boxes that `piece` names, as frames (n, c, h, w) in storage type and in operand order; an
    absent operand is an empty array.
    """
    raise NotImplementedError


def extents(piece: Piece) -> Frame:
    """(n, c, h, w) of what the piece makes."""
    n, c, h, w, _ = map(len, piece.work)
    return n, c, h, w


def pads_of(piece: Piece) -> tuple[int, int, int, int]:
    """Top, left, bottom, right: how far the windows over the first operand overhang it."""
    read = piece.parts[0]
    return read.before[2], read.before[3], read.after[2], read.after[3]
