"""
Weights packed in global memory, to be unpacked on the way into local memory: fewer bytes on the bus, the same numbers.

A load is replaced where that saves bursts. What no other record reads any more leaves the WEIGHT region; the rest moves
together. Waits and the order of records stay, so the program means what it meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.rice import BLOCK, RAW, bits, folded
from simulator.isa.distinct import distinct
from simulator.isa.record import Command, Operand, Records, decode, encode
from simulator.isa.table import DType, Region
from simulator.layout import up
from simulator.memory import NUMPY
from simulator.model_file import Model
from simulator.runs import contiguous
from simulator.timing import BURST, wire_bytes

Bytes = NDArray[np.uint8]

BYTES = (DType.I8, DType.U8)
"""Element types that are packed; of wider ones neighbouring bytes have little to do with each other."""


@dataclass(frozen=True)
class Packed:
    """What a load reads, packed, and where the stream begins in the new WEIGHT region."""

    stream: Bytes
    offset: int


def compressed(model: Model) -> Model:
    """The same model with its 8-bit weights packed where that pays."""
    moves = np.concatenate([core.gdma for core in model.cores])
    kinds, kind = distinct(moves, addresses=True)
    commands = [decode(record) for record in kinds]
    streams = dict(_paying(commands, model.weights))
    kept = _kept(_read(commands, streams), len(model.weights))
    total = sum(up(stop - start, BURST) * BURST for start, stop in kept)
    packed = dict[Operand, Packed]()
    for source, stream in streams.items():
        packed[source] = Packed(stream, total)
        total += up(len(stream), BURST) * BURST
    shifts = dict(_moved(kept))
    made = _records(moves, [_rewritten(command, packed, shifts) for command in commands], kind)
    first, *others = np.split(made, np.cumsum([len(core.gdma) for core in model.cores])[:-1])
    cores = tuple(replace(core, gdma=gdma) for core, gdma in zip(model.others, others, strict=True))
    return replace(model, gdma=first, others=cores, weights=_image(model.weights, kept, packed, total))


def pack(values: Bytes) -> Bytes:
    """The stream that unpacks to `values`: each block at the k that makes it shortest."""
    count = up(len(values), BLOCK)
    padded = np.zeros(count * BLOCK, np.uint8)
    padded[: len(values)] = values
    real = np.arange(count * BLOCK).reshape(count, BLOCK) < len(values)
    costs = [np.where(real, bits(padded, k).reshape(count, BLOCK), 0).sum(1) for k in range(RAW)]
    best = np.argmin([*costs, 8 * real.sum(1)], axis=0)
    return np.packbits(_bits(values, best), bitorder="little")


def _bits(values: Bytes, chosen: NDArray[np.intp]) -> NDArray[np.uint8]:
    """The stream's bits, one an entry: every field is written at once, at where the lengths before it add up to."""
    k = np.repeat(chosen, BLOCK)[: len(values)]
    plain, u = k == RAW, folded(values).astype(np.int64)
    ones = np.where(plain, 0, u >> np.where(plain, 0, k))
    width = np.where(plain, 8, k)
    lengths = np.where(plain, 8, ones + 1 + k)
    lengths[::BLOCK] += 3
    starts = np.cumsum(lengths) - lengths
    made = np.zeros(int(lengths.sum()), np.uint8)
    for bit in range(3):
        made[starts[::BLOCK] + bit] = chosen >> bit & 1
    starts[::BLOCK] += 3
    made[np.repeat(starts, ones) + _counted(ones)] = 1
    low, rest = np.where(plain, values, u), starts + np.where(plain, 0, ones + 1)
    for bit in range(8):
        there = bit < width
        made[rest[there] + bit] = low[there] >> bit & 1
    return made


def _counted(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, … below each count, one after the other."""
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)


def _paying(commands: Sequence[Command], weights: Bytes) -> Iterator[tuple[Operand, Bytes]]:
    """What loads read of the 8-bit weights, and it packed, where that takes fewer bursts."""
    sources = (command.operands["in"] for command in commands if command.op == "LOAD")
    for source in dict.fromkeys(source for source in sources if source is not None):
        if source.region is not Region.WEIGHT or source.dtype not in BYTES or 0 in source.strides:
            continue
        stream = pack(_values(source, weights))
        if wire_bytes(1, len(stream)) < wire_bytes(*contiguous(source)):
            yield source, stream


def _values(source: Operand, weights: Bytes) -> Bytes:
    kind = NUMPY[source.dtype]
    return np.ndarray(source.dims, kind, weights.data, source.addr, source.strides).reshape(-1).view(np.uint8)


def _read(commands: Sequence[Command], packed: Mapping[Operand, Bytes]) -> Iterator[tuple[int, int]]:
    """The spans of the WEIGHT region that are still read as they are."""
    for command in commands:
        for operand in command.operands.values():
            if operand and operand.region is Region.WEIGHT and not (command.op == "LOAD" and operand in packed):
                reach = sum((n - 1) * stride for n, stride in zip(operand.dims, operand.strides, strict=True))
                yield operand.addr, operand.addr + reach + operand.dtype.itemsize


def _kept(spans: Iterator[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """The spans in whole bursts, in order, those that meet as one."""
    made = list[tuple[int, int]]()
    for start, stop in sorted((start // BURST * BURST, min(up(stop, BURST) * BURST, size)) for start, stop in spans):
        if made and start <= made[-1][1]:
            made[-1] = made[-1][0], max(stop, made[-1][1])
        else:
            made.append((start, stop))
    return made


def _moved(kept: Sequence[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], int]]:
    """By how many bytes each span moves."""
    at = 0
    for start, stop in kept:
        yield (start, stop), at - start
        at += up(stop - start, BURST) * BURST


def _rewritten(command: Command, packed: Mapping[Operand, Packed], moved: Mapping[tuple[int, int], int]) -> Command:
    source = command.operands.get("in")
    if command.op == "LOAD" and source is not None and source in packed:
        held = packed[source]
        size = len(held.stream)
        stream = Operand(held.offset, DType.U8, (1, 1, 1, size), (size, size, size, 1), Region.WEIGHT)
        return replace(command, op="UNPACK", operands={**command.operands, "in": stream})
    operands = {name: _shifted(operand, moved) for name, operand in command.operands.items()}
    return replace(command, operands=operands)


def _shifted(operand: Operand | None, moved: Mapping[tuple[int, int], int]) -> Operand | None:
    if operand is None or operand.region is not Region.WEIGHT:
        return operand
    by = next(by for (start, stop), by in moved.items() if start <= operand.addr < stop)
    return replace(operand, addr=operand.addr + by)


def _records(gdma: Records, commands: Sequence[Command], kind: NDArray[np.intp]) -> Records:
    made = encode(commands)[kind]
    made["wait"], made["tag"] = gdma["wait"], gdma["tag"]
    return made


def _image(
    weights: Bytes, kept: Sequence[tuple[int, int]], packed: Mapping[Operand, Packed], total: int
) -> NDArray[np.uint8]:
    made, at = np.zeros(total, np.uint8), 0
    for start, stop in kept:
        made[at : at + stop - start] = weights[start:stop]
        at += up(stop - start, BURST) * BURST
    for held in packed.values():
        made[held.offset : held.offset + len(held.stream)] = held.stream
    return made
