"""First estimates of what each format costs each op: engine cycles in schedules of the whole network in one format."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from compiler.dialects.top.base import TopOp
from compiler.ir.network import Network, name_of, shape, size
from compiler.lowering.walk import lower
from compiler.mixed.trial import Trials, engines_of

Engines = Mapping[str, Mapping[str, tuple[float, float]]]
"""By format and op, cycles of the TIU and of the GDMA."""


SPLIT, JOIN = 6, 5
"""Passes over a contraction's operand that make two halves of it, and over its result that join their sums, in f32."""


def engines(trials: Trials, ops: Sequence[str]) -> Engines:
    """
    Of int8 and f16 from their schedules; W8F16 and f32 from these.

    W8F16 multiplies in int8 twice, splits its operand and joins the sums; it moves what int8 does. An op in f32 that
    isn't a contraction takes twice what it takes in f16.
    """
    sizes = {name_of(op): _passes(op) for op in trials.load().ops if isinstance(op, TopOp)}
    rate = trials.chip.lanes * trials.chip.eu_bytes // 4
    eight, half = (_by_op(_lowered(trials, mode), trials, ops) for mode in ("int8", "f16"))
    wide, whole = dict[str, tuple[float, float]](), dict[str, tuple[float, float]]()
    for name in ops:
        (tiu, gdma), (more, moved) = eight.get(name, (0, 0)), half.get(name, (0, 0))
        wide[name] = 2 * tiu + sizes.get(name, 0) / rate, gdma
        whole[name] = 2 * more, 2 * moved
    return {"INT8": eight, "F16": half, "W8F16": wide, "F32": whole}


def _passes(op: TopOp) -> int:
    """Elements times passes of what W8F16 does beside multiplying."""
    return SPLIT * size(shape(op.operands[0])) + JOIN * size(shape(op.output)) if op.operands else 0


def _lowered(trials: Trials, mode: str) -> Network:
    network = trials.load()
    lower(network, mode, balance=trials.balance if mode == "int8" else {})
    return network


def _by_op(network: Network, trials: Trials, ops: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Engine cycles by op: a tensor that lowering put in is called after its op, with something behind."""
    found, names = dict[str, tuple[float, float]](), sorted(ops)
    for layer, (tiu, gdma) in engines_of(trials.model(network)).items():
        at = bisect_right(names, layer) - 1
        while at >= 0 and not layer.startswith(names[at]):
            at -= 1 if names[at][:1] == layer[:1] else len(names)
        if at >= 0:
            before = found.get(names[at], (0.0, 0.0))
            found[names[at]] = before[0] + tiu, before[1] + gdma
    return found
