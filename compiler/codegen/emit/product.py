"""Commands that multiply matrices with the rows of the left one in the lanes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compiler.codegen.emit.emit import Place, emit
from compiler.codegen.operands import stretched
from compiler.dialects.tpu import ops as tpu
from compiler.dialects.tpu.product import Product
from compiler.ir.network import shape
from compiler.ir.storage import zero_point
from compiler.schedule.tiling import Piece
from simulator.isa.record import Command, Operand


@emit.on(tpu.BatchMatMulOp)
def batch_matmul(op: tpu.BatchMatMulOp, piece: Piece, place: Place) -> Iterator[Command]:
    a, b, params = place.inputs
    assert a
    assert b
    batch, m, n, _ = place.output.dims
    k = piece.work[4]
    if len(shape(op.input)) == 4:
        # The elements of a plane follow each other.
        sn, sc, _, sw = a.strides
        a = replace(a, addr=a.addr + k.start * sw, dims=(a.dims[0], m, len(k), 1), strides=(sn, sc, sw, 0))
    matrix = (n, len(k)) if op.right_transpose else (len(k), n)
    operands = {
        "out": place.output,
        "a": stretched(a, (batch, m, len(k), 1)),
        "b": stretched(b, (batch, *matrix, 1)),
        "params": params,
        **place.carried(),
    }
    yield Command("BMATMUL", operands, _params(op), flags=place.flags)


@emit.on(tpu.HeadMatMulOp)
def head_matmul(op: tpu.HeadMatMulOp, piece: Piece, place: Place) -> Iterator[Command]:
    """A record for each image, whose heads are a batch."""
    a, b = place.inputs
    assert a
    assert b
    _, _, _, columns, k = piece.work
    depth, n = op.reduction(), shape(op.output)[3]
    made = {"out": place.output, **place.carried()}
    for image in range(place.output.dims[0]):
        operands = {
            **{name: _apart(held, image) for name, held in made.items() if held},
            "a": _apart(a, image) if op.apart else _of_heads(a, image, depth, k),
            "b": _of_heads(b, image, depth, k) if op.right_transpose else _of_heads(b, image, n, columns),
        }
        yield Command("BMATMUL", operands, _params(op), flags=place.flags)


def _apart(held: Operand, image: int) -> Operand:
    """Of (n, rows, heads, columns) an image as (heads, rows, columns, 1)."""
    (_, rows, heads, columns), (sn, sc, sh, sw) = held.dims, held.strides
    return replace(held, addr=held.addr + image * sn, dims=(heads, rows, columns, 1), strides=(sh, sc, sw, sw))


def _of_heads(held: Operand, image: int, width: int, taken: range) -> Operand:
    """Of (n, rows, heads · width, 1) the columns `taken` of each head of an image, as (heads, rows, columns, 1)."""
    (_, rows, wide, _), (sn, sc, sh, sw) = held.dims, held.strides
    addr = held.addr + image * sn + taken.start * sh
    return replace(held, addr=addr, dims=(wide // width, rows, len(taken), 1), strides=(width * sh, sc, sh, sw))


def _params(op: Product) -> dict[str, float]:
    low, high = op.clamp()
    return {
        "za": zero_point(op.input),
        "zb": zero_point(op.right),
        "zy": zero_point(op.output),
        "multiplier": op.multiplier.value.data if op.multiplier else 0,
        "shift": op.rshift.value.data if op.rshift else 0,
        "turned": int(bool(op.right_transpose)),
        "low": low,
        "high": high,
    }
