"""Commands of the lanes' element units."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.codegen.emit.emit import Place, emit
from compiler.codegen.operands import stretched
from compiler.dialects.fields import numbers
from compiler.dialects.formula import Apply, Constant, Term, steps
from compiler.dialects.formula import Operand as Variable
from compiler.dialects.tpu import ops as tpu
from compiler.ir.storage import is_quantised, scale, zero_point
from compiler.schedule.tiling import Piece
from simulator.isa.record import Command, Operand
from simulator.isa.table import Flag


@emit.on(tpu.ElementwiseOp)
def elementwise(op: tpu.ElementwiseOp, piece: Piece, place: Place) -> Iterator[Command]:
    """One command a step of the formula; the last writes the output, the others a temporary each."""
    program = steps(op.term)
    if not program:
        yield Command("CAST", {"out": place.output, "in": place.inputs[0]})
        return
    homes: dict[Term, Operand] = {
        Variable(i): stretched(operand, place.output.dims)
        for i, operand in enumerate(place.inputs)
        if operand is not None
    }
    homes |= zip(program, (*place.tmp[: len(program) - 1], place.output), strict=True)
    for step in program:
        yield _arith(step, homes)


def _arith(step: Apply, homes: dict[Term, Operand]) -> Command:
    operands: dict[str, Operand | None] = {"out": homes[step]}
    flags, scalar = Flag.NONE, 0.0
    for name, term, flag in zip("ab", step.terms, (Flag.SCALAR_A, Flag.SCALAR_B), strict=False):
        if isinstance(term, Constant):
            flags, scalar = flags | flag, term.value
        else:
            operands[name] = homes[term]
    return Command("ARITH", operands, {"scalar": scalar}, step.function, flags)


@emit.on(tpu.LutOp)
def lut(op: tpu.LutOp, piece: Piece, place: Place) -> Iterator[Command]:
    source, table = place.inputs
    yield Command("LUT", {"out": place.output, "in": source, "table": table})


@emit.on(tpu.RescaleAddOp)
def rescale_add(op: tpu.RescaleAddOp, piece: Piece, place: Place) -> Iterator[Command]:
    ma, mb = numbers(op.multipliers)
    params = {"ma": ma, "mb": mb, "shift": op.rshift.value.data}
    yield Command("RESCALE_ADD", _pair(place), params | _zero_points_and_clamp(op))


@emit.on(tpu.RescaleMulOp)
def rescale_mul(op: tpu.RescaleMulOp, piece: Piece, place: Place) -> Iterator[Command]:
    params = {"multiplier": op.multiplier.value.data, "shift": op.rshift.value.data}
    yield Command("RESCALE_MUL", _pair(place), params | _zero_points_and_clamp(op))


@emit.on(tpu.CastOp)
def cast(op: tpu.CastOp, piece: Piece, place: Place) -> Iterator[Command]:
    quantised = next((value for value in (op.input, op.output) if is_quantised(value)), None)
    params = {} if quantised is None else {"scale": scale(quantised), "zero": zero_point(quantised)}
    yield Command("CAST", {"out": place.output, "in": place.inputs[0]}, params)


def _pair(place: Place) -> dict[str, Operand | None]:
    a, b = (None if x is None else stretched(x, place.output.dims) for x in place.inputs)
    return {"out": place.output, "a": a, "b": b}


def _zero_points_and_clamp(op: tpu.Rescale) -> dict[str, float]:
    low, high = op.clamp()
    points = {"za": zero_point(op.lhs), "zb": zero_point(op.rhs), "zy": zero_point(op.output)}
    return {**points, "low": low, "high": high}
