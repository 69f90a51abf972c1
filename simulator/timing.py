"""
How long a record takes (docs/isa.md, Time), from plain numbers (for a search) and of commands (for the event model).

Nothing here looks at data, so a command's time is known when it is emitted. Cycles are of the chip's clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, prod

from simulator.chip import Chip
from simulator.isa.record import Command, Operand
from simulator.isa.table import SPECS, DType, Engine, Flag, Region
from simulator.layout import up
from simulator.passes import PASSES
from simulator.runs import contiguous, indexed_runs

TIU_SETUP = 24
"""Cycles a TIU record takes beside its work."""

DMA_SETUP = 16
"""Cycles a GDMA record occupies its engine beside the transfer."""

DMA_LATENCY = 128
"""Cycles from the end of a GDMA record's occupancy to its completion."""

BURST = 64
"""Bytes: a contiguous run in global memory takes whole bursts."""

INTEGERS = (DType.I8, DType.U8)


def input_channels(chip: Chip, dtype: DType) -> int:
    """Input channels the cube multiplies a cycle, by the type of the pixels: I for 8 bits, I/2 for 16."""
    return chip.cube_ic if dtype.itemsize == 1 else chip.cube_ic // 2


def conv_work(chip: Chip, dtype: DType, n: int, oc: int, oh: int, ow: int, ic: int, kh: int, kw: int) -> int:
    """
    Cycles of a dense convolution, (n, ic, ·, ·) to (n, oc, oh, ow), pixels of `dtype`; without the record's setup.

    With fewer channels than the cube takes, kernel taps fill its inputs too (folding). f32 runs on the element units.
    """
    rows, pixels, taps = n * up(oc, chip.lanes), oh * ow, kh * kw
    if dtype == DType.F32:
        return rows * up(pixels, chip.eu_bytes // 4) * ic * taps
    deep = input_channels(chip, dtype)
    steps = up(ic * taps, deep) if ic < deep else up(ic, deep) * taps
    return rows * up(pixels, chip.cube_px) * steps


def matmul_work(chip: Chip, dtype: DType, m: int, n: int, k: int) -> int:
    """Cycles of (m, k) by (k, n), elements of `dtype`; without the record's setup."""
    if dtype == DType.F32:
        return up(n, chip.lanes) * up(m, chip.eu_bytes // 4) * k
    return up(n, chip.lanes) * up(m, chip.cube_px) * up(k, input_channels(chip, dtype))


def vector_work(chip: Chip, itemsize: int, n: int, c: int, h: int, w: int, passes: int) -> int:
    """Cycles of the element units over a frame, `itemsize` that of its widest operand; without the record's setup."""
    return n * up(c, chip.lanes) * up(h * w, chip.eu_bytes // itemsize) * passes


def copy_work(chip: Chip, itemsize: int, n: int, c: int, h: int, w: int, lane: int) -> int:
    """Cycles of copying a frame; `lane` is the later one of those its two places are based at. Without the setup."""
    return vector_work(chip, itemsize, n, lane + c, h, w, PASSES["COPY"].count)


def depthwise_work(chip: Chip, dtype: DType, n: int, c: int, oh: int, ow: int, kh: int, kw: int) -> int:
    """Cycles of a depthwise convolution to (n, c, oh, ow), pixels of `dtype`; without the record's setup."""
    return vector_work(chip, dtype.itemsize, n, c, oh, ow, kh * kw * PASSES["DWCONV"].count)


def resample_passes(function: str, taps: int, requantised: bool) -> int:
    """Passes over the result of a RESAMPLE."""
    if function == "pick":
        return PASSES["RESAMPLE pick"].count
    return taps * PASSES["RESAMPLE sum"].count + (PASSES["RESAMPLE requantise"].count if requantised else 0)


def bank_conflicts(chip: Chip, spans: Iterable[tuple[int, int]]) -> int:
    """
    How many operands share a bank with another operand of the record (docs/isa.md, Time): two that meet count twice.

    A span is an operand's first byte in a lane, and the one after its last.
    """
    taken = Counter[int]()
    held = [range(start // chip.bank_bytes, up(stop, chip.bank_bytes)) for start, stop in spans]
    for banks in held:
        taken.update(banks)
    return sum(any(taken[bank] > 1 for bank in banks) for banks in held)


def tiu_cycles(work: int, conflicts: int = 0) -> int:
    """Cycles of a TIU record from its work and its bank conflicts."""
    return (TIU_SETUP + work) * (1 + conflicts)


def transfer_cycles(chip: Chip, runs: int, run_bytes: int, local_bytes: int, lanes: int, *, store: bool = False) -> int:
    """
    Cycles a GDMA record occupies its engine.

    `runs` contiguous runs of `run_bytes` in global memory, written there by a `store`; `local_bytes` over all of the
    `lanes` lanes it touches.
    """
    wire = wire_bytes(runs, run_bytes)
    return moving_cycles(chip, 0 if store else wire, wire if store else 0, local_bytes, lanes)


def moving_cycles(chip: Chip, read: int, written: int, local_bytes: int, lanes: int) -> int:
    """Cycles a GDMA record occupies its engine for so many bytes read and written on the memory bus."""
    return DMA_SETUP + ceil(max(chip.ddr_cycles(read, written), local_bytes / (lanes * chip.eu_bytes)))


def wire_bytes(runs: int, run_bytes: int) -> int:
    """Bytes that cross the memory bus for contiguous runs of so many bytes: whole bursts."""
    return runs * up(run_bytes, BURST) * BURST


def cycles(command: Command, chip: Chip) -> int:
    """Cycles a TIU record takes. Raises ValueError for a record of the other engine."""
    spans = [span(operand, chip) for operand in used(command).values() if operand.region == Region.LOCAL]
    return tiu_cycles(work(command, chip), bank_conflicts(chip, spans))


def work(command: Command, chip: Chip) -> int:
    """Cycles of a TIU record's work alone. Raises ValueError for a record of the other engine."""
    if command.engine != Engine.TIU:
        raise ValueError(f"{command.op} is no record of the TIU")
    if command.op in ("NOP", "END"):
        return 0
    present = used(command)
    result = present["acc"] if Flag.ACC_OUT in command.flags else present["out"]
    n, c, h, w = result.dims
    match command.op:
        case "CONV":
            _, _, ic, _ = present["filter"].dims
            return conv_work(chip, present["in"].dtype, n, c, h, w, ic, _int(command, "kh"), _int(command, "kw"))
        case "DWCONV":
            return depthwise_work(chip, present["in"].dtype, n, c, h, w, _int(command, "kh"), _int(command, "kw"))
        case "MATMUL":
            return matmul_work(chip, present["in"].dtype, n, c, present["in"].dims[1])
        case "BMATMUL":
            return n * matmul_work(chip, present["a"].dtype, h, c, present["a"].dims[2])
        case "POOL":
            taps = _int(command, "kh") * _int(command, "kw") * PASSES["POOL"].count
            return vector_work(chip, _widest(present, "out", "in"), n, c, h, w, taps + _mean_passes(command, present))
        case "COPY":
            return copy_work(chip, result.dtype.itemsize, *result.dims, max(result.lane, present["in"].lane))
        case "RESAMPLE":
            taps = max(present["table"].dims[5 - _int(command, "axis")] - 1, 1)
            return vector_work(
                chip,
                _widest(present, "out", "in"),
                n,
                c,
                h,
                w,
                resample_passes(command.function, taps, present["out"].dtype in INTEGERS),
            )
        case "REDUCE":
            size = _widest(present, "out", "in")
            read = vector_work(chip, size, *present["in"].dims, PASSES["REDUCE"].count)
            return read + vector_work(chip, size, n, c, h, w, _mean_passes(command, present))
        case _:
            size = _widest(present, "out", "in", "cond", "a", "b")
            return vector_work(chip, size, n, c, h, w, _passes(command, present))


@dataclass(frozen=True, slots=True)
class Transfer:
    """
    A GDMA record's cost.

    `occupancy` cycles the engine is taken, `latency` more until completion; `payload` bytes moved and `wire` bytes on
    the memory bus.
    """

    occupancy: int
    latency: int
    payload: int
    wire: int


def transfer(command: Command, chip: Chip) -> Transfer:
    """What a GDMA record costs. Raises ValueError for a record of the other engine."""
    if command.engine != Engine.GDMA:
        raise ValueError(f"{command.op} is no record of the GDMA")
    if not SPECS[command.op].operands:
        return Transfer(DMA_SETUP, DMA_LATENCY, 0, 0)
    present = used(command)
    if "index" in present:
        return _indexed(chip, present["in"] if command.op == "SCATTER" else present["out"], present)
    if command.op == "UNPACK":
        return _unpacked(chip, present["in"], present["out"])
    far, near = (present["in"], present["out"]) if command.op == "LOAD" else (present["out"], present["in"])
    runs, run_bytes = contiguous(far)
    local, lanes = prod(near.dims) * near.dtype.itemsize, min(near.dims[1], chip.lanes)
    occupancy = transfer_cycles(chip, runs, run_bytes, local, lanes, store=command.op == "STORE")
    return Transfer(occupancy, DMA_LATENCY, runs * run_bytes, wire_bytes(runs, run_bytes))


def _unpacked(chip: Chip, stream: Operand, near: Operand) -> Transfer:
    """UNPACK: the stream on the bus, what comes out of it in the lanes; that is also what is delivered."""
    runs, run_bytes = contiguous(stream)
    local = prod(near.dims) * near.dtype.itemsize
    occupancy = transfer_cycles(chip, runs, run_bytes, local, min(near.dims[1], chip.lanes))
    return Transfer(occupancy, DMA_LATENCY, local, wire_bytes(runs, run_bytes))


def _indexed(chip: Chip, moved: Operand, present: Mapping[str, Operand]) -> Transfer:
    """GATHER and SCATTER: the elements `moved`, in runs that end where the index changes, and the indices."""
    index, size = present["index"], moved.dtype.itemsize
    runs, run_bytes = indexed_runs(moved.dims, present["in"].strides, index.strides, size)
    told = contiguous(index)
    values, indices = wire_bytes(runs, run_bytes), wire_bytes(*told)
    written = values if moved is present["in"] else 0
    local, lanes = prod(moved.dims) * size, min(moved.dims[1], chip.lanes)
    occupancy = moving_cycles(chip, values + indices - written, written, local, lanes)
    return Transfer(occupancy, DMA_LATENCY, runs * run_bytes + prod(told), values + indices)


def span(operand: Operand, chip: Chip) -> tuple[int, int]:
    """First byte of a local operand in a lane, and the one after its last, over all lanes."""
    n, c, h, w = operand.dims
    depth = up(operand.lane % chip.lanes + c, chip.lanes)
    steps = [(extent - 1) * stride for extent, stride in zip((n, depth, h, w), operand.strides, strict=True)]
    first = operand.addr + sum(step for step in steps if step < 0)
    return first, operand.addr + sum(step for step in steps if step > 0) + operand.dtype.itemsize


def used(command: Command) -> dict[str, Operand]:
    """The operands a command reads or writes, by name in the table's order, as its flags have it."""
    idle = {
        "acc": not command.flags & (Flag.ACC_IN | Flag.ACC_OUT),
        "out": Flag.ACC_OUT in command.flags,
        "a": Flag.SCALAR_A in command.flags,
        "b": Flag.SCALAR_B in command.flags,
    }
    named = {name: command.operands.get(name) for name in SPECS[command.op].operands}
    return {name: operand for name, operand in named.items() if operand is not None and not idle.get(name, False)}


def _passes(command: Command, present: Mapping[str, Operand]) -> int:
    if command.op == "LUT":
        return PASSES["LUT which" if "which" in present else "LUT"].count
    if command.op != "CAST":
        return PASSES[command.function or command.op].count
    if present["out"].dtype in INTEGERS:
        return PASSES["CAST quantise"].count
    return PASSES["CAST dequantise" if present["in"].dtype in INTEGERS else "CAST"].count


def _mean_passes(command: Command, present: Mapping[str, Operand]) -> int:
    if command.function not in ("avg", "mean") or "out" not in present:
        return 0
    kind = "integer" if present["in"].dtype in INTEGERS else "float"
    return PASSES[f"{command.op} {command.function} {kind}"].count


def _int(command: Command, name: str) -> int:
    return int(command.params[name])


def _widest(present: Mapping[str, Operand], *names: str) -> int:
    return max(present[name].dtype.itemsize for name in names if name in present)
