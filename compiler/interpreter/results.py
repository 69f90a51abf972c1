"""A run kept whole: every tensor by name, and what its stored numbers mean."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import SSAValue

from compiler.dialects.host import HostOp, is_dynamic
from compiler.dialects.structure import InputOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import LutOp, LutsOp
from compiler.interpreter.run import run
from compiler.ir.forms import form
from compiler.ir.network import Array, Network, name_of
from compiler.results import Meaning, Results
from compiler.stages.progress import Progress, silent


def results(network: Network, inputs: Mapping[str, Array], progress: Progress = silent) -> Results:
    """Every tensor of a lowered network, of a run on `inputs` by name. Raises UnfitInput, HostFault."""
    kept = Results({}, {})
    total = sum(isinstance(op, InputOp | TpuOp | HostOp) * len(op.results) for op in network.ops)

    def keep(value: SSAValue, array: Array) -> None:
        kept.arrays[name_of(value)] = array
        kept.meanings[name_of(value)] = meaning(value)
        progress(len(kept.arrays), total)

    run(network, inputs, keep)
    return kept


def meaning(value: SSAValue) -> Meaning:
    """What a value's stored numbers mean."""
    held = form(value)
    op = value.owner
    internal = isinstance(op, TpuOp) and op.internal is not None
    folds = [name.data for name in op.folds] if isinstance(op, TpuOp) and op.folds else ()
    readers = [use.operation for use in value.uses] if isinstance(op, TpuOp) else []
    tabled = bool(readers) and all(isinstance(reader, LutOp | LutsOp) for reader in readers)
    return Meaning(held.dtype, held.scale, held.zero_point, internal, is_dynamic(value), folds, held.axis, tabled)
