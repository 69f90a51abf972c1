"""Random ARITH, SELECT, RESCALE_ADD, RESCALE_MUL, LUT and CAST."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from simulator.isa.record import Command, Operand
from simulator.isa.table import ARITHMETIC, BINARY, REAL_ONLY, WHOLE_ONLY, DType, Flag
from simulator.layout import Frame
from tests.simulator.oracle.drawing.kind import BYTES, FLOATS, PLAIN, Kind
from tests.simulator.oracle.drawing.page import Page
from tests.simulator.oracle.drawing.values import SPECIAL, bounds, drawing, real, scaling, whole, zero_point
from tests.simulator.oracle.numbers import INTEGERS, written

SCALARS = (Flag.NONE, Flag.SCALAR_A, Flag.SCALAR_B, Flag.SCALAR_A | Flag.SCALAR_B)
Types = tuple[tuple[str, DType], ...]


def kinds() -> Iterator[Kind]:
    """Every function of every combination of types and scalars, stored in every type."""
    for name in ARITHMETIC:
        for flags in SCALARS if name in BINARY else SCALARS[:2]:
            names = ("a", "b") if name in BINARY else ("a",)
            tensors = [
                each for each, flag in zip(names, (Flag.SCALAR_A, Flag.SCALAR_B), strict=False) if flag not in flags
            ]
            for types in _typed(tensors):
                integers = bool(types) and all(kind in INTEGERS for _, kind in types)
                if name not in (REAL_ONLY if integers else WHOLE_ONLY):
                    yield from (Kind("ARITH", (("out", made), *types), name, flags) for made in PLAIN)
    for flags, made in product(SCALARS, PLAIN):
        tensors = [each for each, flag in (("a", Flag.SCALAR_A), ("b", Flag.SCALAR_B)) if flag not in flags]
        yield from (Kind("SELECT", (("out", made), *types), flags=flags) for types in _typed(["cond", *tensors]))
    for op, made, a, b in product(("RESCALE_ADD", "RESCALE_MUL"), BYTES, BYTES, BYTES):
        yield Kind(op, (("out", made), ("a", a), ("b", b)))
    for made, of, way in product((*BYTES, *FLOATS), BYTES, ("", "which")):
        yield Kind("LUT", (("out", made), ("in", of)), way=way)
    for of, made in product(PLAIN, (*FLOATS, *BYTES)):
        if of in FLOATS or made in FLOATS:
            yield Kind("CAST", (("out", made), ("in", of)))


def _typed(names: list[str]) -> Iterator[Types]:
    for chosen in product(PLAIN, repeat=len(names)):
        yield tuple(zip(names, chosen, strict=True))


def draw(kind: Kind, page: Page) -> Command:
    """A record of a tensor of a few elements; the result at times lies just where an operand does, but SELECT's."""
    random, lane, dims = page.random, page.lane(), _dims(page)
    out = page.target(dims, kind.type("out"), lane)
    operands = {"out": out}
    for name, of in kind.types[1:]:
        operands[name] = _operand(page, out, of, name, in_place=kind.op != "SELECT" and page.likely(0.12))
    params: dict[str, float] = {}
    match kind.op:
        case "ARITH":
            params = {"scalar": real(random), "whole": whole(random)}
        case "SELECT":
            params = {name: real(random) for name in ("scalar_a", "scalar_b")}
            params |= {name: whole(random) for name in ("whole_a", "whole_b")}
        case "CAST":
            scale = random.choice((0.5, 0.25, 1.0, 2.0**-149, 3e38, random.uniform(1e-6, 0.3)))
            integer = next((of for _, of in kind.types if of in INTEGERS), None)
            params = {"scale": scale} if integer else {}
            if integer:
                any_zero = integer == DType.I32 or page.likely(0.2)
                params["zero"] = whole(random) if any_zero else zero_point(random, integer)
        case "LUT":
            _tables(kind, page, operands)
        case _:
            params = _rescaling(kind, page)
    return Command(kind.op, operands, params, kind.function, kind.flags)


def _dims(page: Page) -> Frame:
    random = page.random
    return (
        random.choice((1, 1, 2)),
        random.randint(1, 6),
        random.randint(1, 2),
        17 if page.likely(0.03) else random.randint(1, 4),
    )


def _operand(page: Page, out: Operand, of: DType, name: str, in_place: bool) -> Operand:
    in_place &= of.itemsize == out.dtype.itemsize
    held = replace(out, dtype=of) if in_place else page.source(out.dims, of, out.lane)
    draw = drawing(page.random, of)
    return page.fill(held, (lambda: b"\0" * of.itemsize if page.likely(0.4) else draw()) if name == "cond" else draw)


def _tables(kind: Kind, page: Page, operands: dict[str, Operand]) -> None:
    """A table, or as many as `which` can name."""
    random, made, out = page.random, kind.type("out"), operands["out"]
    count = random.randint(1, 1 if not kind.way else 3 if made in BYTES else 2)
    if kind.way == "which":
        which = page.source(out.dims, DType.U8, out.lane)
        operands["which"] = page.fill(which, lambda: written(random.randrange(count), DType.U8))
    # Bytes of noise serve as well as drawn ones, and are much faster made.
    size = made.itemsize
    special = [bits.to_bytes(size, "little") for bits in SPECIAL.get(made, ())[: random.choice((0, 0, 2, 7))]]

    def table() -> list[list[bytes]]:
        if special:
            return [random.choices(special, k=256) for _ in range(count)]
        noise = random.getrandbits(8 * size * 256 * count).to_bytes(size * 256 * count, "little")
        return [[noise[size * (256 * r + i) :][:size] for i in range(256)] for r in range(count)]

    operands["table"] = page.tables(count, 256, made, table)


def _rescaling(kind: Kind, page: Page) -> dict[str, float]:
    """Zero points and multipliers of RESCALE_ADD or RESCALE_MUL."""
    random, out = page.random, kind.type("out")
    params: dict[str, float] = {
        name: random.randint(-32768, 32767) if page.likely(0.1) else zero_point(random, of)
        for name, of in (("za", kind.type("a")), ("zb", kind.type("b")), ("zy", out))
    }
    multiplier, params["shift"] = scaling(random, 2)
    if kind.op == "RESCALE_MUL":
        return {**params, **bounds(random, out), "multiplier": multiplier}
    if page.likely(0.7):
        multiplier, params["shift"] = random.randint(1 << 14, (1 << 15) - 1), random.randint(10, 16)
    return {**params, **bounds(random, out), "ma": multiplier, "mb": random.randint(-(1 << 15), 1 << 15)}
