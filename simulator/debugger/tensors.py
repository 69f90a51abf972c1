"""Tensors by name in the middle of a run: how far they are made, what they hold, and where they lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from simulator.cores import Turn
from simulator.debug_map import SliceBox, TensorSlice
from simulator.debugger.order import Hosted, Moment
from simulator.debugger.run import Edit, Run
from simulator.dump import frame_of, home_of
from simulator.memory import NUMPY, Array
from simulator.mismatch import real
from simulator.model_file import Tensor

FEW = 32
"""
Slices of a tensor, and tensors, that are looked for in memory; more are made again, which is quicker than to ask for
each.
"""


@dataclass(frozen=True)
class Piece:
    """
    A slice of a tensor: finished when `count` moments of the run are done.

    `gone` is what wrote over some of it since, None while it lies where the slice says.
    """

    part: TensorSlice
    count: int
    gone: Moment | None = None


@dataclass(frozen=True)
class Seen:
    """A tensor as far as it is made: `stored` elements, of which those are so that are `known`; the rest is 0."""

    tensor: Tensor
    stored: Array
    known: NDArray[np.bool_]

    @property
    def complete(self) -> bool:
        """Whether all of it is made."""
        return bool(self.known.all())

    @property
    def real(self) -> Array:
        """Its values as float32; of one that isn't numbers by itself, as stored."""
        return real(self.tensor, self.stored)


class Tensors:
    """The tensors of a run's debug map."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._by_name = {tensor.name: tensor for tensor in run.program.model.tensors}
        self._hosted = {
            value.name: moment
            for moment in run.program.moments
            if isinstance(moment, Hosted)
            for value in run.program.hosted(moment).outputs
        }

    @property
    def names(self) -> Sequence[str]:
        """All of them, in the network's order."""
        return list(self._by_name)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Tensor:
        return self._by_name[name]

    def home(self, name: str) -> Tensor:
        """The tensor whose slices hold this one's bytes. Raises BadDump."""
        return home_of(self._by_name[name], self._by_name)

    def moments(self, name: str) -> set[Moment]:
        """What finishes slices of it: records, or an op of the host; nothing for what is there from the start."""
        home = self.home(name)
        if home.held:
            return {self._hosted[home.name]} if home.name in self._hosted else set()
        return {turn for part in home.slices if (turn := _turn(part)) is not None}

    def maker(self, part: TensorSlice) -> Turn | None:
        """The record that finishes a slice; None for one that is there from the start."""
        return _turn(part)

    def at(self, part: TensorSlice) -> Array:
        """What lies now where a slice does."""
        return self._run.state.memories[part.core].place(part.operand).gather()

    def progress(self, name: str) -> tuple[int, int]:
        """How many elements slices have finished so far, and how many there are; those of several slices once each."""
        home = self.home(name)
        if home.held:
            made = home.name in self._run.state.held
            return (prod(home.shape), prod(home.shape)) if made else (0, prod(home.shape))
        covered = np.zeros(frame_of(home), np.bool_)
        for piece in self._pieces(home):
            if piece.count <= self._run.at:
                covered[_index(piece.part.box)] = True
        return int(np.count_nonzero(covered)), covered.size

    def pieces(self, name: str) -> list[Piece]:
        """The slices in the order of the debug map, with what became of those that are finished; of a few at most."""
        home = self.home(name)
        made = [] if home.held else self._pieces(home)
        return [self._traced(piece) for piece in made] if len(made) <= FEW else made

    def seen(self, name: str) -> Seen:
        """A tensor as far as it is made."""
        return self.collect([name])[name]

    def collect(self, names: Iterable[str]) -> dict[str, Seen]:
        """
        Several tensors as far as they are made: what memory still has is read there, the rest made again.

        Of many tensors all are made again, unless something was changed by hand.
        """
        chosen = {name: self.home(name) for name in names}
        homes = {home.name: home for home in chosen.values()}
        arrays = {key: np.zeros(frame_of(home), NUMPY[home.dtype]) for key, home in homes.items() if not home.held}
        known = {key: np.zeros(array.shape, np.bool_) for key, array in arrays.items()}
        lost: dict[int, list[tuple[str, TensorSlice]]] = {}
        searched = len(homes) <= FEW or bool(self._run.edits)
        for key in arrays:
            pieces = [piece for piece in self._pieces(homes[key]) if piece.count <= self._run.at]
            for piece in pieces:
                there = searched and len(pieces) <= FEW and self._traced(piece).gone is None
                count = self._run.at if there else piece.count
                lost.setdefault(count, []).append((key, piece.part))

        def take(count: int) -> None:
            for key, part in lost[count]:
                box = _index(part.box)
                arrays[key][box] = self.at(part)
                known[key][box] = True

        if here := [count for count in lost if count == self._run.at]:
            take(here[0])
        if past := [count for count in lost if count < self._run.at]:
            self._run.revisit(past, take)
        return {name: self._made(self._by_name[name], home, arrays, known) for name, home in chosen.items()}

    def edits(self, name: str, stored: Array) -> list[Edit]:
        """What puts these values, of the tensor's shape and type, where slices of it are finished and still lie."""
        home = self.home(name)
        whole = stored.reshape(frame_of(home))
        return [
            Edit(piece.part.core, piece.part.operand, whole[_index(piece.part.box)])
            for piece in map(self._traced, [] if home.held else self._pieces(home))
            if piece.count <= self._run.at and piece.gone is None
        ]

    def _made(self, tensor: Tensor, home: Tensor, arrays: Mapping[str, Array], known: Mapping[str, Array]) -> Seen:
        if not home.held:
            shape = tensor.shape
            return Seen(tensor, arrays[home.name].reshape(shape), known[home.name].reshape(shape))
        held = self._run.state.held.get(home.name)
        if held is None:
            extents = tuple(max(extent, 0) for extent in tensor.shape)
            return Seen(tensor, np.zeros(extents), np.zeros(extents, np.bool_))
        whole = held if tensor is home else held.reshape(tensor.shape)
        return Seen(tensor, whole, np.ones(whole.shape, np.bool_))

    def _pieces(self, home: Tensor) -> list[Piece]:
        made: list[Piece] = []
        for part in home.slices:
            turn = _turn(part)
            made.append(Piece(part, 0 if turn is None else self._run.position(turn) + 1))
        return made

    def _traced(self, piece: Piece) -> Piece:
        """With what wrote over it first, if anything has."""
        if piece.count > self._run.at:
            return piece
        writers = self._run.program.touching(piece.part.operand, piece.part.core, write=True)
        since = [at for turn in writers if piece.count <= (at := self._run.position(turn)) < self._run.at]
        return Piece(piece.part, piece.count, self._run.moments[min(since)] if since else None)


def _turn(part: TensorSlice) -> Turn | None:
    return Turn(part.core, part.engine, part.record - 1) if part.record else None


def _index(box: SliceBox) -> tuple[slice, ...]:
    return tuple(slice(start, stop) for start, stop in box)
