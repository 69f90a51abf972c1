"""Commands that change what a run works on: what if this were another number?"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.npz import read_npz
from pipeline.debugger.command import Command, tensors
from pipeline.debugger.context import Context
from pipeline.debugger.words import (
    BadCommand,
    Index,
    chosen,
    index,
    indexed,
    is_place,
    is_record,
    operand_of,
    place,
)
from simulator.arithmetic.casts import narrow, quantise, widen
from simulator.debugger.program import Extent
from simulator.debugger.run import Edit
from simulator.execute.site import FLOATS
from simulator.isa.record import Operand
from simulator.isa.table import DType, Region
from simulator.memory import NUMPY
from simulator.model_file import Tensor

Array = NDArray[Any]


def set_(context: Context, rest: str, form: str = "") -> None:
    """`set[/s] TENSOR[INDEX] = VALUE`, `set RECORD.OPERAND[INDEX] = VALUE`, `set PLACE = BYTES`."""
    target, equals, value = (word.strip() for word in rest.rpartition("="))
    if not equals or not target or not value or form not in ("", "s"):
        raise BadCommand("write 'set TENSOR[INDEX] = 0.5', 'set/s …' for stored numbers, or 'set LOCAL+0:2 = ff 00'")
    known = context.debugger.tensors.names
    if is_record(target) and target not in known:
        edits = _of_operand(context, target, value)
    elif is_place(target):
        edits = _of_bytes(context, target, value)
    else:
        edits = _of_tensor(context, *indexed(target, known), value, stored=form == "s")
    for edit in edits:
        context.debugger.run.edit(edit)
    context.say(f"{target} is set; 'back' past here undoes it")


def unset(context: Context, rest: str) -> None:
    """`unset`."""
    context.debugger.run.forget_edits()
    context.say("all changes forgotten; the run begins again")


def _of_tensor(context: Context, name: str, asked: Index, value: str, *, stored: bool) -> list[Edit]:
    name = context.tensor(name)
    tensors_ = context.debugger.tensors
    seen = tensors_.seen(name)
    if seen.tensor.held:
        raise BadCommand(f"{name} is the host's, which lies nowhere; set what it is made of")
    array = seen.stored.copy()
    part = chosen(array, asked or (slice(None),) * array.ndim, name)
    given = _given(value, name, np.shape(part))
    kind = NUMPY[seen.tensor.dtype]
    array[asked or ...] = _stored(given, kind) if stored else _quantised(seen.tensor, given, asked)
    if not (edits := tensors_.edits(name, array)):
        raise BadCommand(f"nothing of {name} is in memory now; 'info tensors', 'finish {name}' and 'back' help")
    return edits


def _of_operand(context: Context, target: str, value: str) -> list[Edit]:
    turn, name, operand, after = operand_of(target, context.debugger.program)
    held = context.debugger.run.state.memories[turn.core].place(operand).gather().copy()
    asked = index(after[1:-1]) if after.startswith("[") and after.endswith("]") else (slice(None),)
    part = chosen(held, asked, name)
    held[asked] = _stored(_given(value, name, np.shape(part)), held.dtype)
    if 0 in operand.strides:
        once = tuple(1 if not stride else extent for extent, stride in zip(operand.dims, operand.strides, strict=True))
        n, c, h, w = once
        held, operand = held[:n, :c, :h, :w], replace(operand, dims=(n, c, h, w))
    return [Edit(turn.core, operand, held)]


def _of_bytes(context: Context, target: str, value: str) -> list[Edit]:
    try:
        held = np.frombuffer(bytes.fromhex(value), np.uint8)
    except ValueError:
        raise BadCommand(f"{value!r} isn't bytes in hex, such as 'ff 00 7f'") from None
    extent = place(target, context.debugger.program, held.size)
    if extent.stop - extent.start != held.size:
        raise BadCommand(f"{held.size} bytes for {extent.stop - extent.start}")
    operand = _bytes(context, extent)
    return [Edit(extent.core, operand, np.broadcast_to(held, operand.dims))]


def _bytes(context: Context, extent: Extent) -> Operand:
    """Bytes as an operand: of one lane or of all."""
    size = extent.stop - extent.start
    lanes = 1
    if extent.region == Region.LOCAL and extent.lane is None:
        lanes = context.model.chip.lanes
    return Operand(extent.start, DType.U8, (1, lanes, 1, size), (0, 0, 0, 1), extent.region, extent.lane or 0)


def _given(value: str, name: str, shape: tuple[int, ...]) -> Array:
    """A number for all, one for each, or an array of a file. Raises BadCommand."""
    if value.endswith(".npz"):
        arrays = read_npz(Path(value))
        if name not in arrays:
            raise BadCommand(f"{value} has no {name}; it holds {', '.join(arrays) or 'nothing'}")
        held: Array = arrays[name]
    else:
        try:
            held = np.array([float(word) for word in value.strip("[]").replace(",", " ").split()])
        except ValueError:
            raise BadCommand(f"{value!r} is neither numbers nor an .npz") from None
        held = held[0] if held.size == 1 else held
    try:
        return np.broadcast_to(held if np.size(held) != np.prod(shape) else np.reshape(held, shape), shape)
    except ValueError:
        raise BadCommand(f"{np.size(held)} numbers for {name} of {list(shape)}") from None


def _stored(given: Array, kind: np.dtype[Any]) -> Array:
    """Numbers in a stored type, which must hold them. Raises BadCommand."""
    if given.dtype == kind:
        return given
    if kind.kind not in "iu":
        return narrow(np.ascontiguousarray(given, np.float32), kind)
    limits = np.iinfo(kind)
    if not (np.equal(np.mod(given, 1), 0).all() and (given >= limits.min).all() and (given <= limits.max).all()):
        raise BadCommand(f"stored numbers are whole, {limits.min} to {limits.max}")
    return given.astype(kind)


def _quantised(tensor: Tensor, given: Array, asked: Index) -> Array:
    """Real numbers as the tensor stores them; those of the file may be stored already."""
    kind = NUMPY[tensor.dtype]
    if given.dtype == kind:
        return given
    wide = np.ascontiguousarray(given, np.float32) if given.dtype.kind in "fiub" else widen(given)
    if tensor.dtype in FLOATS:
        return narrow(wide, kind)
    if not isinstance(tensor.scale, float) and asked:
        raise BadCommand(f"each index of axis {tensor.axis} has its own step; give stored numbers by 'set/s'")
    return quantise(wide, tensor.scale, tensor.zero_point, kind, tensor.axis)


COMMANDS: Sequence[Command] = (
    Command(
        "set", "[/s] TENSOR[INDEX] = VALUE | RECORD.OPERAND[INDEX] = VALUE | PLACE = BYTES",
        "Put numbers in memory. A tensor's are real numbers, quantised as feeds are, or stored ones (/s); an operand's "
        "are stored ones; a place's are bytes in hex. VALUE is a number for all, one for each, or an .npz with an "
        "array of the tensor's name. Whatever runs after reads it, 'run' keeps what was set before the first record.",
        set_, (), set_, tensors,
    ),
    Command("unset", "", "Forget all that was set, and begin again.", unset),
)  # fmt: skip
