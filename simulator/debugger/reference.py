"""Results to hold a run against, such as the TPU network's: slice by slice, as records finish them."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.debug_map import TensorSlice
from simulator.debugger.order import Moment
from simulator.debugger.tensors import Seen, Tensors
from simulator.dump import frame_of
from simulator.memory import Array
from simulator.mismatch import Mismatch, fitting, mismatch, same, sliced
from simulator.model_file import Tensor


class Reference:
    """Every tensor of a run that there is a result for, by bits."""

    def __init__(self, tensors: Tensors, arrays: Mapping[str, Array]) -> None:
        """`arrays` by tensor name, as stored; bfloat16 may be given as 16-bit integers. Raises BadReference."""
        self._tensors = tensors
        self.arrays = fitting({name: tensors[name] for name in tensors.names}, arrays)
        self._due: dict[Moment | None, list[tuple[Tensor, TensorSlice | None]]] = {}
        for name in self.arrays:
            self._enter(tensors[name])

    @property
    def moments(self) -> set[Moment]:
        """What finishes something that there is a result for."""
        return {moment for moment in self._due if moment is not None}

    def check(self, moment: Moment | None) -> Mismatch | None:
        """What a moment that has just run finished wrongly, if anything; None stands for what is there before."""
        for tensor, part in self._due.get(moment, ()):
            if found := self._whole(tensor) if part is None else self._slice(tensor, part):
                return found
        return None

    def compare(self, seen: Mapping[str, Seen]) -> list[Mismatch]:
        """Each of these tensors that differs in what is known of it."""
        found = (mismatch(each.tensor, each.stored, self.arrays[name], each.known) for name, each in seen.items())
        return [each for each in found if each is not None]

    def _enter(self, tensor: Tensor) -> None:
        if tensor.folded_into:
            return
        if tensor.held:
            for moment in self._tensors.moments(tensor.name):
                self._due.setdefault(moment, []).append((tensor, None))
        for part in tensor.slices:
            self._due.setdefault(self._tensors.maker(part), []).append((tensor, part))

    def _slice(self, tensor: Tensor, part: TensorSlice) -> Mismatch | None:
        box = tuple(slice(start, stop) for start, stop in part.box)
        wanted = self.arrays[tensor.name]
        got = self._tensors.at(part)
        return None if same(got, wanted.reshape(frame_of(tensor))[box]) else sliced(tensor, part, got, wanted)

    def _whole(self, tensor: Tensor) -> Mismatch | None:
        seen = self._tensors.seen(tensor.name)
        return mismatch(tensor, seen.stored, self.arrays[tensor.name], seen.known)
