"""Where in the network the results go wrong: everything up to some tensor exact, the rest as lowered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from compiler.interpreter.run import run
from compiler.ir.network import Array, Network, name_of
from compiler.quant_report.noise import decibels, exact_in_place, flat, real, sums


@dataclass(frozen=True)
class Trial:
    """The results' signal to noise when the first `exact` tensors, up to and with `tensor`, are the float network's."""

    exact: int
    tensor: str
    output_db: float


def bisect(
    network: Network, names: Sequence[str], exact: Mapping[str, Array], feeds: Mapping[str, Array]
) -> list[Trial]:
    """
    Trials in the order of `exact`, about log₂ of as many as there are `names`, in the order of execution.

    Between the last two neighbours lies the tensor at which half of the noise of the results has arisen. `exact` are
    the float network's tensors for `feeds`.
    """
    first, last = _trial(network, 0, names, exact, feeds), _trial(network, len(names) - 1, names, exact, feeds)
    trials = {trial.exact: trial for trial in (first, last)}
    half = first.output_db + 3.0103
    low, high = 0, len(names) - 1
    while high - low > 1:
        middle = (low + high) // 2
        trials[middle] = _trial(network, middle, names, exact, feeds)
        low, high = (low, middle) if trials[middle].output_db >= half else (middle, high)
    return [trials[position] for position in sorted(trials)]


def _trial(
    network: Network, count: int, names: Sequence[str], exact: Mapping[str, Array], feeds: Mapping[str, Array]
) -> Trial:
    kept = frozenset(names[:count])
    powers = [0.0, 0.0]
    returned = network.main.body.block.last_op
    results = set(returned.operands) if returned else set[SSAValue]()

    def visit(value: SSAValue, array: Array) -> Array | None:
        made = exact_in_place(value, exact) if name_of(value) in kept else None
        if value in results and (wanted := exact.get(name_of(value))) is not None and wanted.dtype.kind == "f":
            signal, noise, _ = sums(flat(real(value, array if made is None else made)), flat(wanted))
            powers[0] += signal
            powers[1] += noise
        return made

    run(network, feeds, visit)
    return Trial(count, names[count - 1] if count else "", decibels(*powers))
