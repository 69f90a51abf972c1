"""What each layer's quantisation costs the results: with it alone in int8, and with all others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from compiler.ir.network import Array
from compiler.quantization.loss import Loss, Part
from compiler.quantization.simulated import Simulated
from compiler.quantization.simulated_model import Choice


@dataclass(frozen=True)
class Sensitivity:
    """
    The results' SQNR in dB: `alone_db` with nothing but this layer in int8, `without_db` with everything but it.

    A layer is a tensor, and the weights of the contraction that makes it.
    """

    tensor: str
    alone_db: float
    without_db: float


def sensitivity(
    simulated: Simulated, parts: list[Part], feeds: Sequence[Mapping[str, Array]], layers: Collection[str] | None = None
) -> list[Sensitivity]:
    """That of each of `layers`, by default all; `parts` of the results as `loss.parts_of` has them. Two runs each."""
    weighted = set(simulated.contractions)
    wanted = [simulated.run(each, {}, ()) for each in feeds]

    def db(types: Choice, weights: Collection[str]) -> float:
        loss = Loss(parts)
        for each, true in zip(feeds, wanted, strict=True):
            loss.add(true, simulated.run(each, types, weights))
        return loss.sqnr_db

    found = list[Sensitivity]()
    for name, kind in simulated.types.items():
        if layers is None or name in layers:
            others = {other: held for other, held in simulated.types.items() if other != name}
            alone = db({name: kind}, weighted & {name})
            found.append(Sensitivity(name, alone, db(others, weighted - {name})))
    return found
