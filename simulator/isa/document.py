"""`docs/isa.md`, made from the table, the semantics, the examples, the record's layout and the cycle model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from simulator.assembly import write
from simulator.chip import CHIPS
from simulator.events import run
from simulator.isa import chapters, text
from simulator.isa.examples import CHIP, Example, examples
from simulator.isa.parse import RANGES, assemble
from simulator.isa.record import OPERAND, OPERANDS, RECORD, decode
from simulator.isa.semantics.form import Meaning, Part, Worked
from simulator.isa.semantics.functions import FUNCTIONS
from simulator.isa.semantics.table import SEMANTICS
from simulator.isa.table import BY_CODE, SPECS, DType, Engine, Flag, Param, Region, Spec
from simulator.passes import PASSES
from simulator.timing import DMA_SETUP, TIU_SETUP, cycles, transfer, work

FLAGS: Mapping[Flag, str] = {
    Flag.ACC_IN: "goes on from the f32 or i32 accumulators in `acc` instead of from the bias or the start value",
    Flag.ACC_OUT: "leaves the accumulators in `acc` unfinished; `out` isn't written",
    Flag.SCALAR_A: "a scalar parameter takes the place of operand `a`",
    Flag.SCALAR_B: "a scalar parameter takes the place of operand `b`",
    Flag.COUNT_PAD: "padding counts as taps of an average",
}

FIELDS: Mapping[str, str] = {
    "op": "code of the op",
    "function": "which of the op's functions, by its number; 0 if it has none",
    "flags": "sum of the bits of its flags",
    "wait": "record of the other engine that must be complete, counted from 1; 0: none",
    "tag": "number of the layer that it belongs to; the engines pass it over",
    "reserved": "0",
}

OPERAND_FIELDS: Mapping[str, str] = {
    "addr": "bytes from the start of the region, or of each lane",
    "lane": "lane of channel 0; 0 in global memory",
    "dtype": "code of the type; 255: no operand",
    "region": "code of the region",
    "pad": "0",
    "dims": "extents n, c, h, w",
    "strides": "bytes from one index to the next of n, of c (in local memory: depth), h and w",
}

SPANS: Mapping[str, str] = {
    "low": "at most high; whole, of its type, for 8-bit `out`",
    "high": "at least low; whole, of its type, for 8-bit `out`",
}
"""What parameters of these names may be in every op."""

LANES: Mapping[str, str] = {"any": "any", "same": "same", "each": "each", "": "-"}

ENGINES: Mapping[Engine, str] = {
    Engine.TIU: "They compute; all operands lie in local memory.",
    Engine.GDMA: "They move bytes between global and local memory, and let cores wait for each other.",
}


def document() -> str:
    """The page, ending in a newline."""
    made = examples()
    parts = [chapters.INTRODUCTION, *_presets(), chapters.PROGRAMS, chapters.MEMORY, *_codes(), *_layout()]
    parts += [chapters.WINDOWS, chapters.ACCUMULATORS, chapters.FAULTS, chapters.TIME, *_timeline(), *_passes()]
    for engine in Engine:
        parts.append(f"## Ops of the {engine.name}\n\n{ENGINES[engine]}\n")
        for name, spec in SPECS.items():
            if spec.engine == engine:
                parts += _op(name, spec, SEMANTICS[name], made[name])
    parts.append(
        f"## As text\n\n`tpuflow dis` writes records and programs as text, `tpuflow asm` reads it.\n{text.__doc__}"
    )
    parts.append(write.__doc__ or "")
    return "\n".join(part.rstrip() + "\n" for part in parts)


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown, ending in a newline."""
    head = list(header)
    lines = [head, ["---"] * len(head), *([str(cell).replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _presets() -> Iterator[str]:
    header = ("preset", "cores", "lanes L", "bytes a lane", "E", "I", "P", "GHz", "DDR GB/s", "SHA-256")
    numbers = (
        (c.name, c.cores, c.lanes, c.lane_bytes, c.eu_bytes, c.cube_ic, c.cube_px, c.hertz, c.ddr_bytes_per_second, c)
        for c in CHIPS.values()
    )
    yield table(header, ((*row, hertz / 1e9, rate / 1e9, f"`{c.digest()[:8]}…`") for *row, hertz, rate, c in numbers))
    yield "I is for 8-bit numbers; at 16 bits it is half as many, and f32 is left to the element units.\n"


def _codes() -> Iterator[str]:
    yield "## Types and flags\n"
    yield table(("type", "code", "bytes"), ((dtype.name, dtype.value, dtype.itemsize) for dtype in DType))
    yield "A stored NaN is canonical: `7FC00000`, `7FC0`, `7E00`. Integers are two's complement.\n"
    takers = {flag: ", ".join(name for name, spec in SPECS.items() if flag in spec.flags) for flag in FLAGS}
    yield table(("flag", "bit", "meaning", "ops"), ((f.name, f.value, FLAGS[f], takers[f]) for f in FLAGS))
    yield "A flag is refused by all other ops.\n"


def _layout() -> Iterator[str]:
    yield chapters.RECORDS
    rows = [(at, size, name, kind, FIELDS[name]) for at, size, name, kind in _fields(RECORD) if name in FIELDS]
    first = _byte("operands")
    rows += [
        (first + i * OPERAND.itemsize, OPERAND.itemsize, f"operand {i}", "operand", "the op's operands, in its order")
        for i in range(OPERANDS)
    ]
    rows += [(_byte(f"u{i}"), 2, f"u{i}", "u16 or i16", "parameter") for i in range(10)]
    rows += [(_byte(slot), 4, slot, "f32", "parameter") for slot in ("lo", "hi")]
    rows += [(_byte(f"i{i}"), 4, f"i{i}", "i32", "parameter") for i in range(3)]
    yield table(("byte", "bytes", "field", "type", "meaning"), rows)
    yield chapters.OPERANDS
    yield table(
        ("byte", "bytes", "field", "type", "meaning"),
        ((at, size, name, kind, OPERAND_FIELDS[name]) for at, size, name, kind in _fields(OPERAND)),
    )


def _fields(structure: np.dtype[Any]) -> Iterator[tuple[int, int, str, str]]:
    """Offset, bytes, name and type of each field of a structure."""
    assert structure.fields is not None
    for name, (kind, at, *_) in structure.fields.items():
        base, extents = kind.subdtype or (kind, ())
        told = base.name.replace("uint", "u").replace("int", "i").replace("float", "f")
        yield at, kind.itemsize, name, f"{told} × {extents[0]}" if extents else told


def _byte(slot: str) -> int:
    """Offset of a parameter's slot in the record."""
    fields = {name: at for at, _, name, _ in _fields(RECORD)}
    if slot in fields and slot not in "ui":
        return fields[slot]
    return fields[slot[0]] + int(slot[1:]) * (2 if slot[0] == "u" else 4)


def _timeline() -> Iterator[str]:
    """When each record of a small program runs, and one of its records with its operands moved together."""
    chip, records = CHIPS[CHIP], assemble(chapters.SMALL.splitlines())
    engines = np.array([SPECS[BY_CODE[code]].engine for code in records["op"].tolist()])
    streams = {engine: records[engines == engine] for engine in Engine}
    times = run(streams[Engine.TIU], streams[Engine.GDMA], chip)
    yield chapters.TIMELINE
    yield chapters.SMALL
    rows: list[tuple[object, ...]] = []
    for engine in reversed(Engine):
        spans = zip(times.track(engine).start, times.track(engine).free, times.track(engine).end, strict=True)
        for number, (record, span) in enumerate(zip(map(decode, streams[engine]), spans, strict=True), 1):
            rows.append((engine.name, number, record.op, record.wait or "", *span))
    yield table(("engine", "record", "op", "waits for", "starts", "frees its engine", "is complete"), rows)
    add = decode(streams[Engine.TIU][0])
    b = add.operands["b"]
    assert b is not None
    moved = replace(add, operands={**add.operands, "b": replace(b, addr=64)})
    yield f"{chapters.CONFLICTS.rstrip()} {cycles(moved, chip)} cycles in the place of {cycles(add, chip)}.\n"


def _passes() -> Iterator[str]:
    yield chapters.PASSES
    yield table(("op or function", "passes", "because"), ((name, p.count, p.why) for name, p in PASSES.items()))


def _op(name: str, spec: Spec, meaning: Meaning, made: Sequence[Example]) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"{spec.engine.name}, code {spec.code}: {spec.meaning}.\n"
    if spec.operands:
        header = ("operand", "byte", "extents", "types", "lane", "region", "holds")
        yield table(header, (_operand(i, o, meaning.operands[o]) for i, o in enumerate(spec.operands)))
    if spec.params:
        header = ("parameter", "slot", "byte", "bits", "type", "may be", "meaning")
        yield table(header, (_param(p, meaning) for p in spec.params))
    if spec.flags:
        yield f"Flags: {', '.join(f'`{flag.name}`' for flag in Flag if flag and flag in spec.flags)}.\n"
    if spec.functions and name != "ARITH":
        yield "Functions: " + ", ".join(f"{i} `{function}`" for i, function in enumerate(spec.functions)) + ".\n"
    yield meaning.steps + "\n"
    if name == "ARITH":
        yield from _functions(spec)
    if meaning.numbers:
        yield f"Formulas: {meaning.numbers} of [numerics.md](numerics.md).\n"
    yield f"**{'Work' if spec.engine == Engine.TIU else 'Transfer'}**: {meaning.work}.\n".replace("..", ".")
    if meaning.worked:
        yield _worked(meaning.worked)
    for example in made:
        yield _example(example)


def _operand(i: int, name: str, part: Part) -> Sequence[object]:
    at = _byte("operands") + i * OPERAND.itemsize
    regions = "not LOCAL" if len(part.regions) == len(Region) - 1 else ", ".join(r.name for r in part.regions)
    return f"`{name}`", at, part.extents, _types(part.types), LANES[part.lane], regions, part.meaning


def _types(types: Sequence[DType]) -> str:
    return "any" if len(types) == len(DType) - 1 else ", ".join(dtype.name for dtype in types)


def _param(p: Param, meaning: Meaning) -> Sequence[object]:
    limits = meaning.limits.get(p.name) or SPANS.get(p.name) or RANGES.get(p.kind, "any f32")
    span = limits if isinstance(limits, str) else f"{limits[0]} to {limits[1]}"
    return f"`{p.name}`", p.slot, _byte(p.slot), 16 if p.slot[0] == "u" else 32, p.kind, span, p.meaning


def _functions(spec: Spec) -> Iterator[str]:
    yield table(
        ("code", "function", "on f32", "for example", "on i32", "for example", "passes"),
        (
            (
                i,
                f"`{name}`",
                FUNCTIONS[name].real or "refused",
                FUNCTIONS[name].real_sample,
                FUNCTIONS[name].whole or "refused",
                FUNCTIONS[name].whole_sample,
                PASSES[name].count,
            )
            for i, name in enumerate(spec.functions)
        ),
    )


def _worked(worked: Worked) -> str:
    """A record's cycles, as the formula has them and as the cycle model does."""
    chip, command = CHIPS[worked.chip], decode(assemble([worked.record])[0])
    text = f"For instance, on {chip.name},\n\n    {worked.record}\n\n"
    if command.engine == Engine.TIU:
        done, taken = work(command, chip), cycles(command, chip)
        conflicts = taken // (TIU_SETUP + done) - 1
        whole = f"({TIU_SETUP} + {done}) · (1 + {conflicts}) = {taken}"
        return text + f"has {worked.expression} = {done}, and takes {whole} cycles.\n"
    cost = transfer(command, chip)
    moved = f"{cost.payload} bytes, {cost.wire} on the wire"
    return text + (
        f"moves {moved}: {worked.expression} = {cost.occupancy - DMA_SETUP}, and with the setup takes {cost.occupancy} "
        f"cycles, complete {cost.latency} later.\n"
    )


def _example(example: Example) -> str:
    """An example as text that assembles, what is given and made as comments."""
    given = [f"    ; {name} = {value}" for name, value in example.given.items()]
    records = [f"    {line}" for line in example.text.splitlines()]
    made = [f"    ; {name} = {value}" for name, value in example.makes.items()]
    return "\n".join((f"Example ({CHIP}): {example.title}.\n", *given, *records, *made)) + "\n"
