"""
A whole program as text that `simulator.assembly.read` makes the same program of, byte for byte in its streams.

    .chip x64                                   the preset or variant
    .mode int8
    .data "sample.model" sha256=3a7bd3e2360a    a model with its weights and host ops, or a file of nothing but weights;
                                                how their SHA-256 begins, if it is to be checked
    .activation_bytes 4096
    .io_bytes 4096
    .input x i8(1,3,8,8)+0 scale=0.5            name, type, shape, byte in IO; fields of `model_file.IO` as JSON
    .output y i8(1,3,8,8)+2048
    .layer conv1                                what tag 0 stands for, then tag 1, …
    .tensor conv1 i8(1,3,8,8) scale=0.5         fields of `model_file.Tensor`
    .core 0 TIU                                 records of a core's engine follow, as simulator.isa.text has them
    CONV out=… in=… …
    .slice conv1 0:1,0:3,0:8,0:8                of that tensor is finished by the record before, at its `out`
    .host 1                                     the first host op of the .data model runs then
    .subnet                                     another subnet of the chip follows, with no host op between

A name with a blank, a quote or a semicolon in it is in double quotes, as in JSON. What is left out has its default. By
hand, `loaded: LOAD …` calls a record loaded, and `wait=@loaded` of the core's other engine waits for it: nobody counts.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields

import numpy as np

from simulator.container import Bytes
from simulator.debug_map import TensorSlice
from simulator.isa.record import Operand, Records, decode
from simulator.isa.table import Engine
from simulator.isa.text import disassemble, operand_text
from simulator.model_file import IO, Model, Tensor
from simulator.subnets import ChipSubnet

BARE = re.compile(r"[^\s\";,=]+")
"""A name that needs no quotes."""

PORT_FIELDS = ("scale", "zero_point", "held", "declared", "axis")
TENSOR_FIELDS = ("scale", "zero_point", "internal", "folded_into", "held", "axis")

Finished = tuple[str, TensorSlice]
"""A tensor's name, and one of its slices."""


def program(model: Model, data: str) -> Iterator[str]:
    """The lines of a program; `data` is where `read` will find its weights and host ops."""
    yield f".chip {model.chip.name}"
    yield f".mode {model.mode}"
    if model.weights.size or model.host:
        yield f".data {json.dumps(data, ensure_ascii=False)} sha256={weights_hash(model.weights)}"
    yield f".activation_bytes {model.activation_bytes}"
    yield f".io_bytes {model.io_bytes}"
    for kind, ports in ((".input", model.inputs), (".output", model.outputs)):
        for port in ports:
            yield " ".join((kind, spoken(port.name), f"{_frame(port)}+{port.offset}", *_told(port, PORT_FIELDS)))
    for layer in model.layers:
        yield f".layer {spoken(layer)}"
    for tensor in model.tensors:
        yield " ".join((".tensor", spoken(tensor.name), _frame(tensor), *_told(tensor, TENSOR_FIELDS)))
    yield from _subnets(model)


def weights_hash(weights: Bytes) -> str:
    """How the weights' SHA-256 begins: enough to tell them from any others."""
    return hashlib.sha256(np.ascontiguousarray(weights).data).hexdigest()[:12]


def spoken(name: str) -> str:
    """A name as one word."""
    return name if BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _subnets(model: Model) -> Iterator[str]:
    finished = _finished(model.tensors)
    layers = [spoken(layer) for layer in model.layers]
    hosts, chip = 0, False
    for subnet in model.parts:
        if not isinstance(subnet, ChipSubnet):
            hosts, chip = hosts + 1, False
            yield f".host {hosts}"
            continue
        if chip:
            yield ".subnet"
        chip = True
        for core, ranges in enumerate(subnet.cores):
            for engine, (first, last) in zip(Engine, ranges, strict=True):
                yield f".core {core} {engine.name}"
                for part in finished.get((core, engine, 0), ()) if not first else ():
                    yield _slice(*part, None)
                yield from _records(model.cores[core].of(engine), first, last, layers, finished, core, engine)


def _records(
    records: Records, first: int, last: int, layers: Sequence[str],
    finished: dict[tuple[int, Engine, int], list[Finished]], core: int, engine: Engine,
) -> Iterator[str]:  # fmt: skip
    """The records from index `first` to before `last`, each with the slices that it finishes."""
    for index, line in enumerate(disassemble(records[first:last], layers), first):
        yield line
        for part in finished.get((core, engine, index + 1), ()):
            yield _slice(*part, _out(records, index))


def _out(records: Records, index: int) -> Operand | None:
    try:
        return decode(records[index]).operands.get("out")
    except ValueError:
        return None


def _finished(tensors: Sequence[Tensor]) -> dict[tuple[int, Engine, int], list[Finished]]:
    """The slices by core, engine and record, which come in that order in each tensor."""
    made: dict[tuple[int, Engine, int], list[Finished]] = defaultdict(list)
    for tensor in tensors:
        for part in tensor.slices:
            made[part.core, part.engine, part.record].append((tensor.name, part))
    return made


def _slice(name: str, part: TensorSlice, out: Operand | None) -> str:
    box = ",".join(f"{start}:{stop}" for start, stop in part.box)
    where = () if part.operand == out else (operand_text(part.operand),)
    return " ".join((".slice", spoken(name), box, *where))


def _frame(entry: IO | Tensor) -> str:
    return f"{entry.dtype.name.lower()}({','.join(map(str, entry.shape))})"


def _told(entry: IO | Tensor, names: Sequence[str]) -> Iterator[str]:
    """The fields that aren't at their defaults."""
    for field in fields(entry):
        value = getattr(entry, field.name)
        if field.name in names and field.default is not MISSING and value != field.default:
            yield f"{field.name}={json.dumps(value, separators=(',', ':'), ensure_ascii=False)}"
