"""
Which sums of integers can leave int32, by the types and weights in the file alone (numerics.md §2).

A sum of K products is at most K · 128 · max|x - zero point|, and the bias and the accumulators that it goes on from
come on top. Where that isn't below 2^31, the weights of each output channel are added up instead. What still can't be
proven is left to a checked run, which looks at the data. Bounds are of exact sums: int32 arithmetic wraps, so a sum
that fits is right whatever its parts did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from simulator import spans
from simulator.checks import report
from simulator.checks.finding import Finding
from simulator.checks.program import Program
from simulator.checks.report import Where
from simulator.checks.resident import LIMIT, Known, Resident
from simulator.isa.record import Command
from simulator.isa.table import SPECS, DType, Engine, Flag, Region

NAME = "parameters"

HEAVIEST = 128
"""The largest magnitude of an 8-bit weight."""

MOST_SHIFT = 62
"""By which the products of requantising may be shifted."""


@dataclass
class Proofs:
    """Records whose sums may leave int32, for all that the file says, and parameters that no record may have."""

    unproven: set[Where] = field(default_factory=set[Where])
    findings: list[Finding] = field(default_factory=list[Finding])


def proofs(program: Program) -> Proofs:
    """Walk through a program that passed bounds, and look at its sums."""
    made, kinds = Proofs(), _Kinds(program)
    cores = [Resident(program) for _ in program.model.cores]
    each = [[program.kind(core, engine).tolist() for engine in Engine] for core in range(len(cores))]
    order: list[list[int]] = program.order.tolist()
    for core, engine, at in order:
        kind: int = each[core][engine][at]
        here = cores[core]
        if kinds.sums[kind]:
            command, where = program.command(kind), (core, Engine(engine), at + 1)
            known = here.known(command)
            here.bound = _bound(command, known, here)
            if here.bound is not None and here.bound >= LIMIT:
                made.unproven.add(where)
            made.findings += _odd_parameters(program, where, command, known)
        here.write(*kinds.written[kind])
        if kinds.sums[kind] or kinds.parameters[kind]:
            here.enter(program.command(kind))
    return made


def largest(dtype: DType, zero: int) -> int:
    """The largest magnitude of a value of 8 bits less a zero point."""
    low, high = (-128, 127) if dtype == DType.I8 else (0, 255)
    return max(abs(low - zero), abs(high - zero))


class _Kinds:
    """Of each kind of record: whether it sums, whether it loads i32 from WEIGHT, and the bytes of a lane it writes."""

    def __init__(self, program: Program) -> None:
        kinds, out = program.kinds, program.kinds["operands"][:, 0]
        from_weight = kinds["operands"]["region"][:, 1] == Region.WEIGHT
        load = kinds["op"] == SPECS["LOAD"].code
        self.sums: list[bool] = np.isin(kinds["op"], [SPECS[op].code for op in BOUNDS]).tolist()
        self.parameters: list[bool] = (load & from_weight & (out["dtype"] == DType.I32)).tolist()
        ends = (spans.local_spans(kinds, program.model.chip) * spans.written(kinds)[..., None]).max(1)
        starts = np.where(spans.written(kinds), spans.local_spans(kinds, program.model.chip)[..., 0], 0).max(1)
        self.written: list[list[int]] = np.stack([starts, ends[:, 1]], 1).tolist()


def _bound(command: Command, known: Known, core: Resident) -> int | None:
    """The largest magnitude of a record's sums, with those that they go on from; None if they aren't of 8 bits."""
    bound, acc = BOUNDS[command.op](command, known), command.operands.get("acc")
    if bound is None or acc is None or Flag.ACC_IN not in command.flags:
        return bound
    return bound + core.sums(acc)


Bound = Callable[[Command, Known], int | None]
"""The largest magnitude of a record's sums, without what `acc` adds; None if they aren't of 8-bit integers."""


def _contraction(command: Command, known: Known) -> int | None:
    source, filters = command.operands["in"], command.operands["filter"]
    assert source is not None
    assert filters is not None
    if source.dtype not in (DType.I8, DType.U8):
        return None
    terms = filters.dims[2] * filters.dims[3]
    return terms * HEAVIEST * largest(source.dtype, int(command.params["zx"])) + _bias(command, known)


def _product(command: Command, known: Known) -> int | None:
    a, b = command.operands["a"], command.operands["b"]
    assert a is not None
    assert b is not None
    if a.dtype not in (DType.I8, DType.U8):
        return None
    each = largest(a.dtype, int(command.params["za"])) * largest(b.dtype, int(command.params["zb"]))
    return a.dims[2] * each + (_bias(command, known) if command.operands.get("params") else 0)


def _bias(command: Command, known: Known) -> int:
    if Flag.ACC_OUT in command.flags:
        return 0
    return int(np.abs(known["params"][..., 0]).max()) if "params" in known else LIMIT


def _reduction(command: Command, known: Known) -> int | None:
    source = command.operands["in"]
    assert source is not None
    if source.dtype not in (DType.I8, DType.U8) or command.function not in ("sum", "mean"):
        return None
    _, _, h, w = source.dims
    terms = (h if command.params["over_h"] else 1) * (w if command.params["over_w"] else 1)
    return terms * largest(source.dtype, int(command.params["zx"]))


def _resampling(command: Command, known: Known) -> int | None:
    source = command.operands["in"]
    assert source is not None
    if source.dtype not in (DType.I8, DType.U8) or command.function != "sum":
        return None
    if "table" not in known:
        return LIMIT
    rows = np.moveaxis(known["table"], 5 - int(command.params["axis"]), -1)
    return int(np.abs(rows[..., 1:]).sum(-1).max()) * largest(source.dtype, int(command.params["zx"]))


BOUNDS: Mapping[str, Bound] = {
    **dict.fromkeys(("CONV", "DWCONV", "MATMUL"), _contraction),
    "BMATMUL": _product,
    "REDUCE": _reduction,
    "RESAMPLE": _resampling,
}
"""By op. An average's window lies in one lane's memory: 2^18 bytes at most, whose sum always fits."""


def _odd_parameters(program: Program, where: Where, command: Command, known: Known) -> Iterator[Finding]:
    """Multipliers and shifts in WEIGHT that requantising isn't defined for."""
    if "params" not in known or known["params"].shape[3] != 3:
        return
    told = known["params"].reshape(-1, 3)
    wrong = np.flatnonzero((told[:, 2] < 0) | (told[:, 2] > MOST_SHIFT) | (told[:, 1] == -LIMIT))
    if len(wrong):
        row, first = told[wrong[0]], int(wrong[0])
        message = (
            f"{command.op} params: row {first} of {len(told)} has multiplier {row[1]} and shift {row[2]}; a shift is "
            f"0 to {MOST_SHIFT}, a multiplier above {-LIMIT}"
        )
        operand = command.operands["params"]
        assert operand is not None
        made = report.at_record(program, NAME, where, message, "params")
        yield report.at_bytes(made, program, "params", operand, (0, first, 0, 0), (1, first + 1, 1, 3))
