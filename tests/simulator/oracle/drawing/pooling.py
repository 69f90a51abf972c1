"""Random POOL and REDUCE."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from simulator.isa.record import Command, Operand
from simulator.isa.table import SPECS, DType, Flag
from simulator.layout import Frame
from tests.simulator.oracle.drawing.contraction import CARRIES, axis
from tests.simulator.oracle.drawing.kind import BYTES, FLOATS, Kind
from tests.simulator.oracle.drawing.page import Page
from tests.simulator.oracle.drawing.values import bounds, drawing, scaling, whole, zero_point
from tests.simulator.oracle.numbers import written

OVER = ("", "h", "w", "hw")


def kinds() -> Iterator[Kind]:
    """Of every type, padding counted or not; axes reduced alone and together, in one record or several."""
    for function, group in product(("max", "avg"), (BYTES, FLOATS)):
        for kind, made in product(group, group):
            for flags in (Flag.NONE, Flag.COUNT_PAD):
                yield Kind("POOL", (("in", kind), ("out", made)), function, flags)
    for function, over, carry, kind in product(SPECS["REDUCE"].functions, OVER, CARRIES, (*BYTES, DType.I32, *FLOATS)):
        results = (DType.I32,) if kind == DType.I32 else (*BYTES, DType.I32) if kind in BYTES else FLOATS
        for made in (None,) if Flag.ACC_OUT in carry else results:
            types = (("in", kind), *(() if made is None else (("out", made),)))
            yield Kind("REDUCE", types, function, carry, f"over {over}")


def pool(kind: Kind, page: Page) -> Command:
    """Windows of which some lie on padding alone."""
    random, lane, of, out = page.random, page.lane(), kind.type("in"), kind.type("out")
    h, rows, oh = axis(page, "h", ("t", "b"), 3)
    w, columns, ow = axis(page, "w", ("l", "r"), 3)
    n, c = random.choice((1, 1, 2)), random.randint(1, 5)
    x = page.fill(page.source((n, c, h, w), of, lane), drawing(random, of))
    operands, params = (
        {"in": x, "out": page.target((n, c, oh, ow), out, lane)},
        {**rows, **columns, **bounds(random, out)},
    )
    if of in BYTES and kind.function == "avg":
        params |= {"zx": zero_point(random, of), "zy": whole(random) if page.likely(0.1) else zero_point(random, out)}
        operands["params"] = _averages(page, rows["kh"] * columns["kw"])
    return Command("POOL", operands, params, kind.function, kind.flags)


def _averages(page: Page, taps: int) -> Operand:
    """Count, multiplier and shift for every count there can be, in any order."""
    counts = list(range(taps + 1))
    page.random.shuffle(counts)

    def draw() -> list[list[bytes]]:
        rows = [(count, *scaling(page.random)) for count in counts]
        return [[written(value, DType.I32) for value in row] for row in rows]

    return page.tables(len(counts), 3, DType.I32, draw)


def reduce(kind: Kind, page: Page) -> Command:
    """Rows, columns, both or neither."""
    random, lane, of = page.random, page.lane(), kind.type("in")
    n, c, h, w = random.choice((1, 1, 2)), random.randint(1, 5), random.randint(1, 4), random.randint(1, 5)
    over_h, over_w = "h" in kind.way.removeprefix("over "), "w" in kind.way
    made: Frame = (n, c, 1 if over_h else h, 1 if over_w else w)
    operands = {"in": page.fill(page.source((n, c, h, w), of, lane), drawing(random, of))}
    multiplier, shift = scaling(random)
    params: dict[str, float] = {"over_h": over_h, "over_w": over_w, "multiplier": multiplier, "shift": shift}
    params["count"] = h * w if page.likely(0.5) else random.choice((1, 3, 7, (1 << 24) + 1))
    if kind.flags:
        held = DType.F32 if of in FLOATS else DType.I32
        operands["acc"] = page.fill(page.target(made, held, lane), drawing(random, held))
    if of in BYTES:
        params["zx"] = zero_point(random, of)
    elif of == DType.I32:
        params["zx"] = random.choice((0, 5, -32768))
    if kind.has("out"):
        out = kind.type("out")
        operands["out"] = page.target(made, out, lane)
        params |= bounds(random, out)
        if out in BYTES:
            params["zy"] = random.randint(-32768, 32767) if page.likely(0.1) else zero_point(random, out)
    return Command("REDUCE", operands, params, kind.function, kind.flags)
