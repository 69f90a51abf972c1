"""`docs/isa.md`, made from the table, the record's layout and the timing's passes: there is no second text to keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from simulator.chip import BANKS, CHIPS
from simulator.isa.record import OPERAND, RECORD
from simulator.isa.table import SPECS, DType, Engine, Flag, Region, Spec
from simulator.timing import BURST, DMA_LATENCY, DMA_SETUP, PASSES, TIU_SETUP

WORK: Mapping[str, str] = {
    "NOP": "0",
    "END": "0",
    "CONV": "n·⌈oc/L⌉·⌈oh·ow/P⌉·R, R = ⌈ic·kh·kw/I⌉ if ic < I, else ⌈ic/I⌉·kh·kw; f32: n·⌈oc/L⌉·⌈oh·ow/(E/4)⌉·ic·kh·kw",
    "DWCONV": "n·⌈c/L⌉·⌈oh·ow/(E/size)⌉·kh·kw",
    "MATMUL": "⌈n/L⌉·⌈m/P⌉·⌈k/I⌉; f32: ⌈n/L⌉·⌈m/(E/4)⌉·k",
    "POOL": "n·⌈c/L⌉·⌈oh·ow/(E/size)⌉·(kh·kw + the passes of an average)",
    "REDUCE": "n·⌈c/L⌉·⌈h·w/(E/size)⌉ over what is read, and for a finished mean its passes over the result",
    "ARITH": "n·⌈c/L⌉·⌈h·w/(E/size)⌉·passes of the function",
    "LUT": "n·⌈c/L⌉·⌈h·w/(E/size)⌉·passes",
    "RESCALE_ADD": "n·⌈c/L⌉·⌈h·w/(E/size)⌉·passes",
    "RESCALE_MUL": "n·⌈c/L⌉·⌈h·w/(E/size)⌉·passes",
    "CAST": "n·⌈c/L⌉·⌈h·w/(E/size)⌉·passes of the direction",
    "COPY": "n·D·⌈h·w/(E/size)⌉·passes, D the depths that the operand of more depths spans: ⌈(lane + c)/L⌉",
    "SELECT": "n·⌈c/L⌉·⌈h·w/(E/size)⌉·passes",
    "BMATMUL": "batch·⌈m/L⌉·⌈n/P⌉·⌈k/I⌉; f32: batch·⌈m/L⌉·⌈n/(E/4)⌉·k: the rows of a are in the lanes",
    "RESAMPLE": "n·⌈c/L⌉·⌈h·w/(E/size)⌉·(passes · taps + those of requantising)",
    "LOAD": "bytes on the bus ÷ DDR bytes a cycle, or local bytes ÷ (lanes touched · E), whichever is more",
    "STORE": "as LOAD",
    "UNPACK": "as LOAD, the stream's bytes on the bus",
    "GATHER": "as LOAD, a contiguous run ending where the index changes; the indices are on the bus too",
    "SCATTER": "as GATHER",
    "SEND": "0",
    "WAIT": "0",
    "DMA_END": "0",
}
"""What `simulator.timing` computes for each op, in the symbols of the presets."""

INTRODUCTION = """\
# The instruction set

Made by `simulator/isa/document.py` from the table in `simulator/isa/table.py`; run the tests with `--update-golden` to
write it anew. What the numbers in a record mean is in [numerics.md](numerics.md).

A program is two streams of records, one for each engine. The TIU computes on local memory, the GDMA moves between
global and local memory. Each engine works through its stream in order, and effects within it are in order. `wait = k`
holds a record back until the other engine's k-th record (counted from 1) is complete, and so all before it; 0 waits
for none. Nothing else orders the engines.

A chip of several cores runs a program a core, each with both streams and local memory of its own; global memory is
theirs in common, and waits and counts are of one core's streams. Cores meet only through SEND and WAIT: `WAIT core=c
count=k` is held back until core c's k-th SEND is complete, and so all that its GDMA did before. A SEND stays: any core
may wait for it, once, often or never.

Where an op runs on the host (see [host.md](host.md)), each stream falls into stretches, one for each subnet of the
chip, and each stretch ends with END or DMA_END. Waits count through the whole stream. The first record of each engine
in a later subnet waits for the other engine's end of the subnet before; between the two, the host reads and writes
global memory.
"""

LOCAL_MEMORY = f"""\
## Memory

Local memory is private to a lane and has {BANKS} banks. Channel c of an operand that begins at lane l lies in lane
(l + c) mod lanes, at depth (l + c) ÷ lanes, rounded down; a local operand's strides are bytes in a lane from one image,
depth, row and column to the next. Global memory has three regions; a global operand's strides are bytes from one image,
channel, row and column to the next. A stride of 0 repeats. Nothing in local memory outlasts an inference.
"""

TIME = f"""\
## Time

A TIU record takes ({TIU_SETUP} + work) · (1 + conflicts) cycles; an operand conflicts if it shares a bank with another,
so two that meet are two. A GDMA record occupies its engine for {DMA_SETUP} + transfer cycles and completes
{DMA_LATENCY} later; the next starts when the occupancy ends. On the bus each contiguous run of the global side takes
whole bursts of {BURST} bytes. L, I, P and E are the preset's lanes, cube channels (half of them at 16 bits), cube
pixels and element-unit bytes; size is that of the widest operand.

The presets' DDR bytes are for all cores together. A transfer is on the bus from the end of its record's {DMA_SETUP}
first cycles until its bytes are through; of each cycle that begins with k transfers on the bus, each gets 1/k. Its
engine is free at the end of the cycle in which the last of them are through, but not sooner than if the core had been
alone. (TPU-MLIR models BM1688 with 24 GB/s for a core alone and 15 for each of two; here two get 12 each, so that no
program moves more than the bus has.)
"""


def document() -> str:
    """The page, ending in a newline."""
    parts = [INTRODUCTION, *_presets(), LOCAL_MEMORY, *_codes(), *_layout(), TIME, *_passes(), "## Records\n"]
    for name, spec in SPECS.items():
        parts += _spec(name, spec)
    return "\n".join(parts)


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown, ending in a newline."""
    head = list(header)
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _presets() -> Iterator[str]:
    yield "## Presets\n"
    header = ("preset", "cores", "lanes L", "bytes a lane", "E", "I", "P", "GHz", "DDR GB/s")
    yield table(
        header,
        (
            (
                c.name,
                c.cores,
                c.lanes,
                c.lane_bytes,
                c.eu_bytes,
                c.cube_ic,
                c.cube_px,
                c.hertz / 1e9,
                c.ddr_bytes_per_second / 1e9,
            )
            for c in CHIPS.values()
        ),
    )


def _codes() -> Iterator[str]:
    yield table(("region", "code"), ((region.name, region.value) for region in Region))
    yield "## Types and flags\n"
    yield table(("type", "code", "bytes"), ((dtype.name, dtype.value, dtype.itemsize) for dtype in DType))
    yield table(("flag", "bit", "meaning"), ((flag.name, flag.value, FLAGS[flag]) for flag in Flag if flag))


FLAGS: Mapping[Flag, str] = {
    Flag.ACC_IN: "goes on from the f32 or i32 accumulators in `acc` instead of from the bias or the start value",
    Flag.ACC_OUT: "leaves the accumulators in `acc` unfinished; `out` isn't written",
    Flag.SCALAR_A: "ARITH, SELECT: a scalar takes the place of operand `a`",
    Flag.SCALAR_B: "ARITH, SELECT: a scalar takes the place of operand `b`",
    Flag.COUNT_PAD: "POOL avg: padding counts as taps",
}


def _layout() -> Iterator[str]:
    yield f"## Layout\n\nA record has {RECORD.itemsize} bytes, little endian.\n"
    yield _fields(RECORD)
    yield f"An operand has {OPERAND.itemsize} bytes; type {DType.NONE.value} marks one that isn't there.\n"
    yield _fields(OPERAND)


def _fields(structure: np.dtype[Any]) -> str:
    assert structure.fields is not None
    rows = ((name, offset, _kind(kind)) for name, (kind, offset, *_) in structure.fields.items())
    return table(("field", "offset", "type"), rows)


def _kind(kind: np.dtype[Any]) -> str:
    base, extents = kind.subdtype or (kind, ())
    name = "operand" if base == OPERAND else base.name
    return f"{name} × {extents[0]}" if extents else name


def _passes() -> Iterator[str]:
    yield "Passes of the element units over each vector:\n"
    yield table(("op or function", "passes", "because"), ((name, p.count, p.why) for name, p in PASSES.items()))


def _spec(name: str, spec: Spec) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"{spec.engine.name}, code {spec.code}: {spec.meaning}.\n"
    if spec.operands:
        yield f"Operands: {', '.join(f'`{operand}`' for operand in spec.operands)}.\n"
    if spec.functions:
        yield "Functions: " + ", ".join(f"{i} `{function}`" for i, function in enumerate(spec.functions)) + ".\n"
    if spec.params:
        yield table(
            ("parameter", "slot", "type", "meaning"), ((f"`{p.name}`", p.slot, p.kind, p.meaning) for p in spec.params)
        )
    yield f"{'Work' if spec.engine == Engine.TIU else 'Transfer'}: {WORK[name]}.\n"
