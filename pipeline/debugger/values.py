"""Tensors and bytes as lines of text."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.debugger.context import Context
from pipeline.debugger.words import Index, chosen
from simulator.arithmetic.casts import widen
from simulator.debugger.program import Extent
from simulator.debugger.stops import bytes_of
from simulator.debugger.tensors import FEW, Piece, Seen
from simulator.execute.site import FLOATS
from simulator.isa.record import Operand
from simulator.isa.table import Region
from simulator.model_file import Tensor

Array = NDArray[Any]

WIDTH = 110
INDENT = 9
"""Columns before the values of a tensor."""

PIECES = 4
"""Slices of a tensor that are listed."""

HEAD = 8
"""Elements that are shown where no index asks for some."""

SHOWN = 256
"""Elements of a selection that are all shown; of more, the first and last along each axis."""

COLUMNS = 16
"""Bytes in a line of a dump."""


def tensor(context: Context, name: str, index: Index, form: str) -> Iterator[str]:
    """
    A tensor: what it is, how far it is made, where it lies, and its values.

    `form` is "s" for values as stored, "r" for the real numbers they stand for, empty for both.
    """
    tensors = context.debugger.tensors
    seen = tensors.seen(name)
    yield f"{name}: {_type(seen)}{_meaning(seen.tensor)}"
    known, total = int(np.count_nonzero(seen.known)), seen.known.size
    if not known:
        slices = len(tensors.home(name).slices)
        yield f"  none of {total:,} elements finished yet" + (f", in {slices} slices" if slices > 1 else "")
        return
    yield f"  {known:,} of {total:,} elements finished"
    home = tensors.home(name)
    if home.name != name:
        yield f"  has the bytes of {home.name}"
    yield from _lying(context, tensors.pieces(name))
    forms = _forms(seen, form)
    for what, values in forms:
        yield f"  {what}{_figures(values[seen.known])}"
    for what, values in forms:
        text = _values(np.ma.masked_array(values, ~seen.known), index, name)
        yield from f"  {what}{text}".split("\n")


def operand(context: Context, where: Operand, core: int, what: str, index: Index) -> Iterator[str]:
    """An operand of a record as memory has it now."""
    held = context.debugger.run.state.memories[core].place(where).gather()
    yield f"{what}: {where.dtype.name.lower()} {list(where.dims)} at {_at(where)}"
    values = widen(held) if where.dtype in FLOATS else held
    yield f"  {_figures(values.reshape(-1))}"
    yield from f"  {_values(np.ma.masked_array(values), index, what)}".split("\n")


def memory(context: Context, place: Extent, kind: np.dtype[Any], hexadecimal: bool) -> Iterator[str]:
    """Bytes from `place` as elements of a type, a row of addresses at a time; lane by lane in local memory."""
    lanes = [place.lane]
    if place.region == Region.LOCAL and place.lane is None:
        lanes = list(range(context.model.chip.lanes))
    rows = [bytes_of(context.debugger.run, Extent(place.region, place.start, place.stop, place.core, lane), place.core)
            for lane in lanes]  # fmt: skip
    for lane, row in zip(lanes, rows, strict=True):
        step = COLUMNS // kind.itemsize * kind.itemsize
        for start in range(0, row.size, step):
            at = f"{place.region.name}+{place.start + start:#06x}" + ("" if lane is None else f"%{lane}")
            yield f"{at}: {_row(row[start : start + step], kind, hexadecimal)}"


def _row(held: NDArray[np.uint8], kind: np.dtype[Any], hexadecimal: bool) -> str:
    if hexadecimal:
        return " ".join(f"{byte:02x}" for byte in held.tolist())
    values = held[: held.size // kind.itemsize * kind.itemsize].view(kind)
    return " ".join(f"{float(value):.6g}" if kind.kind in "fV" else str(value) for value in values)


def _type(seen: Seen) -> str:
    kind = seen.tensor.held or seen.tensor.dtype.name.lower()
    return f"{kind} {list(seen.stored.shape if seen.complete else seen.tensor.shape)}"


def _meaning(tensor: Tensor) -> str:
    if (tensor.scale, tensor.zero_point) == (1.0, 0) or tensor.held:
        return ""
    if isinstance(tensor.scale, float) and isinstance(tensor.zero_point, int):
        stored = f"(stored - {tensor.zero_point})" if tensor.zero_point else "stored"
        return f", real = {stored} · {tensor.scale:.6g}"
    return f", real = (stored - zero) · step, of its own for each index of axis {tensor.axis}"


def _lying(context: Context, pieces: list[Piece]) -> Iterator[str]:
    """Where the slices lie that are finished, the last of them first."""
    at = context.debugger.run.at
    finished = sorted((piece for piece in pieces if piece.count <= at), key=lambda piece: -piece.count)
    for piece in finished[:PIECES]:
        part = piece.part
        maker = f"{part.engine.name} {part.record}" if part.record else "the feeds"
        core = f" of core {part.core}" if len(context.model.cores) > 1 and part.operand.region == Region.LOCAL else ""
        box = "" if len(pieces) == 1 else " [" + ", ".join(f"{a}:{b}" for a, b in part.box) + "]"
        fate = "" if len(pieces) > FEW else "; there still"
        if piece.gone is not None:
            fate = f"; overwritten by {context.debugger.program.title(piece.gone)}"
        yield f"  by {maker}{box} at {_at(part.operand)}{core}{fate}"
    if len(finished) > PIECES:
        yield f"  … and {len(finished) - PIECES} slices finished before"


def _at(where: Operand) -> str:
    if where.region != Region.LOCAL:
        return f"{where.region.name}+{where.addr}"
    return f"LOCAL+{where.addr}, {where.dims[1]} channels from lane {where.lane}"


def _forms(seen: Seen, form: str) -> list[tuple[str, Array]]:
    """What is to be shown, and its name: a float's only form is the number."""
    if seen.tensor.held or seen.tensor.dtype in FLOATS:
        return [("", seen.real)]
    forms = [("stored ", seen.stored, "s"), ("real   ", seen.real, "r")]
    return [(what, values) for what, values, key in forms if form in ("", key)]


def _figures(values: Array) -> str:
    if values.dtype.kind in "OUSb" or not values.size:
        return f"{values.size:,} elements"
    wide = values.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    strange = f", {wide.size - finite.size:,} NaN or infinite" if finite.size < wide.size else ""
    if not finite.size:
        return f"all {wide.size:,} NaN or infinite"
    return f"min {finite.min():.6g}, max {finite.max():.6g}, mean {finite.mean():.6g}{strange}"


def _values(values: Any, index: Index, name: str) -> str:
    """The part that an index asks for, else the first elements."""
    part = chosen(values, index, name) if index else values.reshape(-1)[:HEAD]
    if np.ndim(part) == 0:
        return str(part)
    more = " …" if not index and values.size > HEAD else ""
    with np.printoptions(linewidth=WIDTH, precision=5, threshold=SHOWN, edgeitems=3):
        if np.ma.is_masked(part):
            shown = np.array2string(part, prefix=" " * INDENT, formatter={"all": _or_missing})
        else:
            shown = np.array2string(np.ma.getdata(part), prefix=" " * INDENT)
    return shown + more


def _or_missing(value: Any) -> str:
    return "--" if value is np.ma.masked else f"{value:.5g}"
