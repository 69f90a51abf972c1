"""A run kept whole: every tensor by name, and what its stored numbers mean."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import Operation

from compiler.dialects.structure import InputOp
from compiler.dialects.tpu.base import TpuOp
from compiler.interpreter.run import run
from compiler.ir.network import Array, Network, name_of
from compiler.ir.storage import is_quantised, scale, storage, zero_point
from compiler.results import Meaning, Results
from compiler.stages.progress import Progress, silent


def results(network: Network, inputs: Mapping[str, Array], progress: Progress = silent) -> Results:
    """Every tensor of a lowered network, of a run on float32 `inputs` by name. Raises UnfitInput."""
    kept = Results({}, {})
    total = sum(isinstance(op, InputOp | TpuOp) for op in network.ops)

    def keep(op: Operation, array: Array) -> None:
        kept.arrays[name_of(op)] = array
        kept.meanings[name_of(op)] = meaning(op)
        progress(len(kept.arrays), total)

    run(network, inputs, keep)
    return kept


def meaning(op: Operation) -> Meaning:
    """What the stored numbers of an op's result mean."""
    value = op.results[0]
    internal = isinstance(op, TpuOp) and op.internal is not None
    if is_quantised(value):
        return Meaning(str(storage(value)), scale(value), zero_point(value), internal)
    return Meaning(str(storage(value)), internal=internal)
