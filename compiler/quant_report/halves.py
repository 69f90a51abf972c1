"""What weights cost, what activations cost, and which layers: by fake quantisation of the float network."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from compiler.ir.network import Array, Network, name_of
from compiler.lowering.stored import stored
from compiler.quant_report.report import Half
from compiler.quantization.loss import Loss, parts_of
from compiler.quantization.sensitivity import Sensitivity, sensitivity
from compiler.quantization.simulated import Simulated
from compiler.quantization.simulated_model import Choice


class Proxy:
    """
    The float network `top` with the types that `lowered` has, weights rounded to nearest.

    Figures are signal to noise of the results over `feeds`, a mapping a batch, joined results by parts.
    """

    def __init__(self, top: Network, lowered: Network, feeds: Sequence[Mapping[str, Array]]) -> None:
        names = {name_of(value) for op in top.ops for value in op.results}
        found = stored(lowered, names, ())
        self._simulated = Simulated(top, found.types, bare=found.bare)
        self._parts, self._feeds = parts_of(top), feeds

    def half(self) -> Half:
        """Weights only, activations only, both."""
        wanted = [self._simulated.run(each, {}, ()) for each in self._feeds]

        def db(types: Choice | None, weights: Collection[str] | None) -> float:
            loss = Loss(self._parts)
            for each, true in zip(self._feeds, wanted, strict=True):
                loss.add(true, self._simulated.run(each, types, weights))
            return loss.sqnr_db

        return Half(db({}, None), db(None, ()), db(None, None))

    def sensitivity(self, layers: Collection[str]) -> list[Sensitivity]:
        """Of these layers, as far as they are simulated: the result with each alone, and with all others."""
        return sensitivity(self._simulated, self._parts, self._feeds, layers)
