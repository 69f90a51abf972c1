"""Random CONV, DWCONV, MATMUL and BMATMUL."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Flag
from simulator.layout import Frame
from tests.simulator.oracle.drawing.kind import BYTES, FLOATS, Kind
from tests.simulator.oracle.drawing.page import Page
from tests.simulator.oracle.drawing.values import bounds, drawing, scaling, whole, zero_point
from tests.simulator.oracle.numbers import written

CARRIES = (Flag.NONE, Flag.ACC_IN, Flag.ACC_OUT, Flag.ACC_IN | Flag.ACC_OUT)


def kinds() -> Iterator[Kind]:
    """Of every type, with accumulators carried in and out, with and without bias."""
    for op, carry, kind in product(("CONV", "DWCONV", "MATMUL"), CARRIES, (*BYTES, *FLOATS)):
        for made in _results(kind, carry, (*BYTES, DType.I32)):
            types = (("in", kind), *made)
            yield from (Kind(op, types, flags=carry, way=way) for way in (("",) if kind in BYTES else ("", "bias")))
    for carry, kind, other in product(CARRIES, (*BYTES, *FLOATS), (*BYTES, *FLOATS)):
        if (kind in BYTES) == (other in BYTES):
            for made, way in product(_results(kind, carry, (*BYTES, DType.I32, DType.F32)), WAYS):
                yield Kind("BMATMUL", (("a", kind), ("b", other), *made), flags=carry, way=way)


WAYS = ("", "turned", "columns", "turned columns")
"""Of BMATMUL: the right matrix turned, parameters of each column."""


def _results(kind: DType, carry: Flag, of_bytes: tuple[DType, ...]) -> Iterator[tuple[tuple[str, DType], ...]]:
    """The types of `out`; none where accumulators are left."""
    if Flag.ACC_OUT in carry:
        yield ()
    else:
        yield from ((("out", made),) for made in (of_bytes if kind in BYTES else FLOATS))


def convolution(kind: Kind, page: Page) -> Command:
    """CONV or DWCONV; a few are large enough for whole tiles of the fast kernels."""
    random, lane = page.random, page.lane()
    large = page.likely(0.03)
    n, oc = 1 if large else random.choice((1, 1, 2)), random.randint(1, 13 if large else 6)
    ic = oc if kind.op == "DWCONV" else random.randint(1, 2 if large else 5)
    h, window_h, oh = axis(page, "h", ("t", "b"), 1 if large else 3)
    w, window_w, ow = axis(page, "w", ("l", "r"), 60 if large else 4)
    taps = window_h["kh"] * window_w["kw"]
    depth = 1 if kind.op == "DWCONV" else ic
    x_lane = lane if kind.op == "DWCONV" else page.lane()
    return _one(kind, page, lane, x_lane, ((n, ic, h, w), (1, oc, depth, taps), (n, oc, oh, ow)), window_h | window_w)


def matmul(kind: Kind, page: Page) -> Command:
    """MATMUL; a few are as deep as the fast kernels' panels, or as wide as their tiles."""
    random, lane = page.random, page.lane()
    m, n, k = random.randint(1, 4), random.randint(1, 5), random.randint(1, 8)
    if page.likely(0.03):
        m, n, k = random.choice(((1, 1, 1024 + k), (60, n, 2), (49, 13, 1), (m, 50, 2)))
    if k > 1000 and page.lanes < 4:
        k = 70
    return _one(kind, page, lane, page.lane(), ((m, k, 1, 1), (1, n, k, 1), (m, n, 1, 1)), {})


def _one(
    kind: Kind, page: Page, lane: int, x_lane: int, dims: tuple[Frame, Frame, Frame], window: dict[str, int]
) -> Command:
    random, of = page.random, kind.type("in")
    x_dims, weight_dims, made = dims
    x, weight = page.source(x_dims, of, x_lane), page.source(weight_dims, DType.I8 if of in BYTES else of, lane)
    page.fill(x, drawing(random, of))
    page.fill(weight, drawing(random, weight.dtype))
    operands, params = _ends(kind, page, lane, made, "in")
    if of in BYTES:
        params |= {"zx": zero_point(random, of)}
        if kind.has("out"):
            operands["params"] = scales(page, made[1], lane, weight_dims[2] * weight_dims[3])
    elif kind.way == "bias":
        operands["params"] = _biases(page, made[1], lane)
    return Command(kind.op, {"in": x, "filter": weight, **operands}, {**params, **window}, flags=kind.flags)


def batched(kind: Kind, page: Page) -> Command:
    """BMATMUL."""
    random, lane = page.random, page.lane()
    batch, m, n, k = random.choice((1, 1, 2)), random.randint(1, 4), random.randint(1, 4), random.randint(1, 6)
    if page.likely(0.03):
        batch, m, n, k = random.choice(((1, m, 50, 2), (1, 13, 49, 1), (1, 1, 1, 130)))
    a = page.source((batch, m, k, 1), kind.type("a"), lane)
    b = page.source((batch, n, k, 1) if "turned" in kind.way else (batch, k, n, 1), kind.type("b"), page.lane())
    page.fill(a, drawing(random, a.dtype))
    page.fill(b, drawing(random, b.dtype))
    operands, params = _ends(kind, page, lane, (batch, m, n, 1), "a")
    params |= {"turned": int("turned" in kind.way)}
    if a.dtype in BYTES:
        multiplier, shift = scaling(random, k)
        params |= {"za": zero_point(random, a.dtype), "zb": zero_point(random, b.dtype)}
        params |= {"multiplier": multiplier, "shift": shift}
    if "zy" in params:
        params["zy"] = max(min(params["zy"], 32767), -32768)
    if "columns" in kind.way:
        operands["params"] = scales(page, n, page.lane(), k) if a.dtype in BYTES else _biases(page, n, page.lane())
    return Command("BMATMUL", {"a": a, "b": b, **operands}, params, flags=kind.flags)


def _ends(kind: Kind, page: Page, lane: int, made: Frame, first: str) -> tuple[dict[str, Operand], dict[str, float]]:
    """Result and accumulators, with the parameters of the former."""
    random, operands, params = page.random, dict[str, Operand](), dict[str, float]()
    if kind.flags:
        held = DType.I32 if kind.type(first) in BYTES else DType.F32
        acc = page.target(made, held, lane) if Flag.ACC_OUT in kind.flags else page.source(made, held, lane)
        operands["acc"] = page.fill(acc, drawing(random, held))
    if kind.has("out"):
        out = kind.type("out")
        operands["out"] = page.target(made, out, lane)
        params |= bounds(random, out)
        if kind.type(first) in BYTES and out in BYTES:
            params |= {"zy": whole(random) if page.likely(0.1) else zero_point(random, out)}
    return operands, params


def scales(page: Page, channels: int, lane: int, terms: int) -> Operand:
    """Bias, multiplier and shift of each channel."""
    random = page.random
    rows = page.source((1, channels, 1, 3), DType.I32, lane, repeats=(1,))
    pending: list[int] = []

    def draw() -> bytes:
        if not pending:
            bias = random.choice((0, random.randint(-9999, 9999), whole(random)))
            pending.extend((bias, *scaling(random, terms)))
        return written(pending.pop(0), DType.I32)

    return page.fill(rows, draw)


def _biases(page: Page, channels: int, lane: int) -> Operand:
    biases = page.source((1, channels, 1, 1), DType.F32, lane)
    return page.fill(biases, drawing(page.random, DType.F32))


def axis(page: Page, name: str, pads: tuple[str, str], longest: int) -> tuple[int, dict[str, int], int]:
    """Extent of the input, the window's parameters, and extent of the result on an axis."""
    random = page.random
    kernel, stride, dilation = random.randint(1, 3), random.choice((1, 1, 2, 3)), random.choice((1, 1, 2, 3))
    stride = 1 if longest > 9 else stride
    reach = dilation * (kernel - 1) + 1
    before, after = random.randrange(reach), random.randrange(reach)
    if page.likely(0.4):
        before = after = 0
    made = random.randint(1, longest)
    end = (made - 1) * stride + reach - before
    extent = max(1, end - after) + random.choice((0, 0, 1, 2))
    return extent, {
        f"k{name}": kernel, f"s{name}": stride, f"d{name}": dilation, f"p{pads[0]}": before, f"p{pads[1]}": after
    }, made  # fmt: skip
