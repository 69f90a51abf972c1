"""Random COPY, LOAD, STORE, GATHER, SCATTER, UNPACK and RESAMPLE."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from math import prod

from simulator.isa.record import Command
from simulator.isa.table import SCATTERING, DType, Region
from simulator.layout import Frame
from tests.simulator.oracle.drawing.kind import BYTES, FLOATS, PLAIN, Kind
from tests.simulator.oracle.drawing.page import Page
from tests.simulator.oracle.drawing.values import bounds, drawing, scaling, whole, zero_point
from tests.simulator.oracle.movement import BLOCK, RAW
from tests.simulator.oracle.numbers import read, written

GLOBAL = (Region.WEIGHT, Region.ACTIVATION, Region.IO)


def kinds() -> Iterator[Kind]:
    """Of every type, from and to every region, by every axis."""
    for kind in PLAIN:
        types = (("out", kind), ("in", kind))
        yield from (Kind("COPY", types, way=way) for way in ("", "overlapping"))
        yield from (Kind("LOAD", types, way=region.name) for region in GLOBAL)
        yield from (Kind("STORE", types, way=region.name) for region in GLOBAL[1:])
        yield from (Kind("GATHER", types, way=f"axis {axis}") for axis in range(4))
        yield from (Kind("SCATTER", types, f, way=f"axis {axis}") for f, axis in product(SCATTERING, range(4)))
        yield from (Kind("RESAMPLE", types, "pick", way=f"axis {axis}") for axis in (2, 3))
    yield from (Kind("UNPACK", (("out", kind), ("in", DType.U8))) for kind in BYTES)
    for group, results in ((FLOATS, FLOATS), ((*BYTES, DType.I32), (*BYTES, DType.I32))):
        for kind, made, axis in product(group, results, (2, 3)):
            yield Kind("RESAMPLE", (("out", made), ("in", kind)), "sum", way=f"axis {axis}")


def _dims(page: Page, most: int = 4) -> Frame:
    random = page.random
    return random.randint(1, 2), random.randint(1, 6), random.randint(1, most), random.randint(1, most)


def copy(kind: Kind, page: Page) -> Command:
    """From any lanes to any; or onto itself, a few elements or lanes further."""
    dims, of = _dims(page), kind.type("in")
    out = page.target(dims, of, page.lane())
    if kind.way == "overlapping":
        source = replace(out, addr=out.addr + of.itemsize * page.random.randint(0, 3), lane=page.lane())
        if -(-(source.lane + dims[1]) // page.lanes) > -(-(out.lane + dims[1]) // page.lanes):
            source = replace(source, lane=out.lane)
        page.outside(Region.LOCAL, (1, 1, 1, 4), of)
    else:
        source = page.source(dims, of, page.lane())
    return Command("COPY", {"out": out, "in": page.fill(source, drawing(page.random, of))})


def load(kind: Kind, page: Page) -> Command:
    """From a region, parts of it repeated."""
    dims, of = _dims(page), kind.type("in")
    source = page.outside(Region[kind.way], dims, of, repeats=(0, 1, 2, 3))
    page.fill(source, drawing(page.random, of))
    return Command("LOAD", {"out": page.target(dims, of, page.lane()), "in": source})


def store(kind: Kind, page: Page) -> Command:
    """To a region."""
    dims, of = _dims(page), kind.type("in")
    source = page.fill(page.source(dims, of, page.lane()), drawing(page.random, of))
    return Command("STORE", {"out": page.outside(Region[kind.way], dims, of), "in": source})


def gather(kind: Kind, page: Page) -> Command:
    """Rows by indices, of which a few are beyond the ends."""
    random, axis, of, made = page.random, int(kind.way[-1]), kind.type("in"), _dims(page, 3)
    rows = random.randint(1, 5)
    dims = _with(made, axis, rows)
    source = page.fill(page.outside(random.choice(GLOBAL), dims, of, repeats=(0, 1, 2, 3)), drawing(random, of))
    index = page.outside(random.choice(GLOBAL), made, DType.I32, repeats=(0, 1, 2, 3))
    page.fill(index, _rows(page, -rows - 1, rows))
    operands = {"out": page.target(made, of, page.lane()), "in": source, "index": index}
    return Command("GATHER", operands, {"axis": axis})


def scatter(kind: Kind, page: Page) -> Command:
    """Rows to indices of which some meet and some lie beyond this slice of the result."""
    random, axis, of, given = page.random, int(kind.way[-1]), kind.type("in"), _dims(page, 3)
    first, held, after = random.choice((0, 0, 2)), random.randint(1, 4), random.choice((0, 1))
    rows = first + held + after
    out = page.target(_with(given, axis, held), of, page.lane())
    page.fill(out, drawing(random, of))
    source = page.fill(page.outside(random.choice(GLOBAL), given, of, repeats=(0, 1, 2, 3)), drawing(random, of))
    index = page.outside(random.choice(GLOBAL), given, DType.I32, repeats=(0, 1, 2, 3))
    page.fill(index, _rows(page, -rows - 1, rows))
    operands, params = {"out": out, "in": source, "index": index}, {"axis": axis, "first": first, "rows": rows}
    return Command("SCATTER", operands, params, kind.function)


def _rows(page: Page, low: int, high: int) -> Callable[[], bytes]:
    return lambda: written(whole(page.random) if page.likely(0.05) else page.random.randint(low, high), DType.I32)


def unpack(kind: Kind, page: Page) -> Command:
    """A packed stream, each block with a k of its own."""
    dims, random = _dims(page), page.random
    manner = drawing(random, kind.type("out"))
    small = page.likely(0.5)
    plain = [written(random.randint(-9, 9), DType.I8) if small else manner() for _ in range(prod(dims))]
    bits, k = list[int](), RAW
    for number, raw in enumerate(plain):
        if number % BLOCK == 0:
            k = random.randint(0 if small else 3, RAW)
            bits += _bits(k, 3)
        b = int(read(raw, DType.I8))
        u = 2 * b if b >= 0 else -2 * b - 1
        bits += _bits(raw[0], 8) if k == RAW else [*[1] * (u >> k), 0, *_bits(u, k)]
    stream = [sum(bit << i for i, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8)]
    stream += [random.getrandbits(8) for _ in range(random.randint(0, 2))]
    return Command("UNPACK", {"out": page.target(dims, kind.type("out"), page.lane()), "in": page.stream(stream)})


def _bits(value: int, width: int) -> list[int]:
    return [(value >> i) & 1 for i in range(width)]


def resample(kind: Kind, page: Page) -> Command:
    """Rows or columns; each lane has a table of its own, or all have one."""
    random, axis, lane = page.random, int(kind.way[-1]), page.lane()
    of, out, made = kind.type("in"), kind.type("out"), _dims(page, 4)
    extent, first = random.randint(1, 5), random.choice((0, 0, 3, -7, (1 << 31) - 100, -(1 << 31) + 100))
    taps, length = 0 if kind.function == "pick" else random.randint(1, 3), made[axis]

    def table() -> list[list[bytes]]:
        rows = [_row(page, of, extent, first, taps) for _ in range(length)]
        return rows if axis == 2 else [list(column) for column in zip(*rows, strict=True)]

    shape = (length, 1 + taps) if axis == 2 else (1 + taps, length)
    source = page.fill(page.source(_with(made, axis, extent), of, lane), drawing(random, of))
    operands = {"out": page.target(made, out, lane), "in": source, "table": page.tables(*shape, DType.I32, table)}
    params: dict[str, float] = {"axis": axis, "first": first}
    if taps and of not in FLOATS:
        params["multiplier"], params["shift"] = scaling(random)
        params |= {"zx": zero_point(random, of) if of in BYTES else random.choice((0, -300)), **bounds(random, out)}
        params["zy"] = zero_point(random, out) if out in BYTES else 0
    return Command("RESAMPLE", operands, params, kind.function)


def _row(page: Page, of: DType, extent: int, first: int, taps: int) -> list[bytes]:
    """A start, and weights of which those outside of the input are 0."""
    random = page.random
    start = random.randint(0 if not taps else -1, extent - 1)
    draw = drawing(random, DType.F32 if of in FLOATS else DType.I32)
    weights = [draw() if 0 <= start + t < extent and not page.likely(0.1) else bytes(4) for t in range(taps)]
    return [written(start + first, DType.I32), *weights]


def _with(dims: Frame, axis: int, extent: int) -> Frame:
    n, c, h, w = (*dims[:axis], extent, *dims[axis + 1 :])
    return n, c, h, w
