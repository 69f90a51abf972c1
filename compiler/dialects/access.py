"""
Access maps: which part of each operand an op reads to make a part of its output.

An op states its map as data; tiling, halo, local-memory needs and partial evaluation are derived from it. The idea is
that of linalg's indexing maps, with room for windows and offsets.

Maps speak of *frames*: every tensor seen as (n, c, h, w), lower ranks filled up with ones at the end, the leading axes
of higher ones taken as one, because that is how the chip addresses local memory (c over the lanes). A fifth axis, `K`,
counts the steps of an op's reduction.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from xdsl.utils.exceptions import VerifyException

Frame = tuple[int, int, int, int]
"""Extents (n, c, h, w)."""

N, C, H, W, K = range(5)
"""Axes of a `Work` box: those of the output's frame, and the reduction."""

Box = tuple[range, ...]
"""A part of a frame: on each axis the indices from `start` to before `stop`, step 1. A work box has five axes."""


@dataclass(frozen=True)
class Follows:
    """
    Work index `o` on `axis` reads the operand's indices `scale·o + first` to `scale·o + last`, both included.

    With a `divisor`, from `⌊(scale·o + first) / divisor⌋` to `⌊(scale·o + last) / divisor⌋`: a result longer than what
    it is made of.
    """

    axis: int
    scale: int = 1
    first: int = 0
    last: int = 0
    divisor: int = 1

    def wish(self, work: Box) -> range:
        """What a slice of the work would read if the operand had no ends."""
        made = work[self.axis]
        if not made:
            return range(0)
        return self.span(made)

    def span(self, made: range) -> range:
        """What a part of the work that isn't empty reads."""
        start = (self.scale * made.start + self.first) // self.divisor
        return range(start, (self.scale * (made.stop - 1) + self.last) // self.divisor + 1)


@dataclass(frozen=True)
class Whole:
    """Every work index reads the whole of this operand axis."""


Access = tuple[Follows | Whole, ...]
"""One entry for each of the four axes of an operand's frame; `()` for an absent operand."""

SAME: Access = (Follows(N), Follows(C), Follows(H), Follows(W))
"""The operand is read where the output is written."""


def frame(shape: tuple[int, ...]) -> Frame:
    """(n, c, h, w) of a tensor; all axes before the last three are one, where there are more than four."""
    if len(shape) > 4:
        return prod(shape[:-3]), shape[-3], shape[-2], shape[-1]
    n, c, h, w = (*shape, *(1,) * (4 - len(shape)))
    return n, c, h, w


def broadcast(operand: Frame, output: Frame) -> Access:
    """
    An operand axis of 1 under a longer output axis serves every output index; others are read in step.

    Raises VerifyException for any other extents, as frames of more than four axes may have that do broadcast.
    """
    if any(mine not in (1, made) for mine, made in zip(operand, output, strict=True)):
        raise VerifyException(f"{operand} doesn't broadcast to {output}; merge axes until there are four")
    return tuple(
        Whole() if mine == 1 and made != 1 else Follows(i)
        for i, (mine, made) in enumerate(zip(operand, output, strict=True))
    )
