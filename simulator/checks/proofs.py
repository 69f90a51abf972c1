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
from numpy.typing import NDArray

from simulator import spans
from simulator.checks import report
from simulator.checks.finding import Finding
from simulator.checks.program import Program
from simulator.checks.report import Where
from simulator.isa.record import Command, Operand
from simulator.isa.table import SPECS, DType, Engine, Flag, Region
from simulator.memory import NUMPY
from simulator.timing import span

NAME = "parameters"

LIMIT = 1 << 31
"""What a sum in int32 stays below, and its negative at or above."""

HEAVIEST = 128
"""The largest magnitude of an 8-bit weight."""

PARTS = 16
"""Writes over parts of a buffer that are kept apart; after more, all of it counts as written over."""

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
    cores = [_Core(program) for _ in program.model.cores]
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


@dataclass(frozen=True)
class _Held:
    """
    Bytes `start` to `stop` of a lane hold an operand: one loaded from `source`, or accumulators up to `bound`.

    Of its bytes those of the ranges `gone` are written over: a buffer's first parts may be, while others are needed.
    """

    start: int
    stop: int
    operand: Operand
    source: Operand | None = None
    bound: int = LIMIT
    gone: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def whole(self, start: int, stop: int) -> bool:
        """Whether these bytes are there, and are as they were."""
        within = self.start <= start and stop <= self.stop
        return within and not any(first < stop and start < last for first, last in self.gone)


class _Core:
    """What a core's local memory is known to hold: parameters, and how large the accumulators there are at most."""

    def __init__(self, program: Program) -> None:
        self._chip, self._weights = program.model.chip, program.model.weights
        self._held: list[_Held] = []
        self._start, self._stop = self._chip.lane_bytes, 0
        """What is held, or was, lies between."""
        self.bound: int | None = None
        """Of the last record's sums."""

    def known(self, command: Command) -> Known:
        """The parameters of a record as far as they lie as they were loaded."""
        named = {name: command.operands.get(name) for name in ("params", "table")}
        found = {name: self._loaded(operand) for name, operand in named.items() if operand is not None}
        return {name: array for name, array in found.items() if array is not None}

    def sums(self, operand: Operand) -> int:
        """How large accumulators are at most."""
        same = (held for held in self._held if held.operand == operand and held.source is None and not held.gone)
        return next((held.bound for held in same), LIMIT)

    def write(self, start: int, stop: int) -> None:
        """Forget what is written over."""
        if (
            start < self._stop
            and self._start < stop
            and any(held.start < stop and start < held.stop for held in self._held)
        ):
            self._held = [held for held in self._held if not (start <= held.start and held.stop <= stop)]
            for held in self._held:
                if held.start < stop and start < held.stop:
                    held.gone.append((start, stop))
            self._held = [held for held in self._held if len(held.gone) <= PARTS]

    def _keep(self, held: _Held) -> None:
        self._held.append(held)
        self._start, self._stop = min(self._start, held.start), max(self._stop, held.stop)

    def enter(self, command: Command) -> None:
        """Keep what a record leaves: parameters, or accumulators of the last bound."""
        out, acc = command.operands.get("out"), command.operands.get("acc")
        if command.op == "LOAD" and out is not None:
            self._keep(_Held(*span(out, self._chip), out, command.operands["in"]))
        elif acc is not None and Flag.ACC_OUT in command.flags and self.bound is not None:
            self._keep(_Held(*span(acc, self._chip), acc, None, min(self.bound, LIMIT)))

    def _loaded(self, operand: Operand) -> NDArray[np.int64] | None:
        """A tensor read from local memory, from where in WEIGHT it was loaded."""
        start, stop = span(operand, self._chip)
        for held in reversed(self._held):
            here = held.source is not None and held.whole(start, stop)
            if here and held.source is not None and (channel := self._channel(operand, held.operand)) is not None:
                source = held.source
                at, dtype = source.addr + channel * source.strides[1], NUMPY[operand.dtype]
                made = np.ndarray(operand.dims, dtype, self._weights.data, at, source.strides)
                return made.astype(np.int64)
        return None

    def _channel(self, part: Operand, whole: Operand) -> int | None:
        """The channel of `whole` that `part`, some of its channels, begins with; None if it is no such part."""
        if (part.dtype, part.dims[2:], part.strides[2:]) != (whole.dtype, whole.dims[2:], whole.strides[2:]):
            return None
        step, beyond = whole.strides[1], part.addr - whole.addr
        if beyond % step if step else beyond:
            return None
        channel = (beyond // step if step else 0) * self._chip.lanes + part.lane - whole.lane
        deep = part.lane + part.dims[1] > self._chip.lanes
        fits = channel >= 0 and channel + part.dims[1] <= whole.dims[1] and part.dims[0] == whole.dims[0] == 1
        return channel if fits and (not deep or part.strides[1] == step) else None


Known = Mapping[str, NDArray[np.int64]]
"""Parameters by the operand's name."""


def _bound(command: Command, known: Known, core: _Core) -> int | None:
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
