"""Commands of the lanes' element units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from compiler.codegen.emit.emit import Place, emit
from compiler.codegen.operands import stretched
from compiler.dialects.fields import numbers
from compiler.dialects.formula import Apply, Constant, Term, buffers, steps
from compiler.dialects.formula import Operand as Variable
from compiler.dialects.tpu import ops as tpu
from compiler.ir.storage import is_quantised, scale, zero_point
from compiler.schedule.tiling import Piece
from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Flag

INTEGERS = (DType.I8, DType.U8, DType.I32)


@emit.on(tpu.ElementwiseOp)
def elementwise(op: tpu.ElementwiseOp, piece: Piece, place: Place) -> Iterator[Command]:
    """One command a step of the formula; the last writes the output, the others a temporary each."""
    program, whole = steps(op.term), op.whole_steps()
    homes: dict[Term, Operand] = {
        Variable(i): stretched(operand, place.output.dims)
        for i, operand in enumerate(place.inputs)
        if operand is not None
    }
    if not program:
        yield _move(homes[op.term], place.output, whole[op.term])
        return
    for step, number in buffers(op.term).items():
        homes[step] = replace(place.tmp[number], dtype=DType.I32 if whole[step] else DType.F32)
    homes[program[-1]] = place.output
    for step in program:
        yield _select(step, homes, whole) if step.function == "select" else _arith(step, homes, whole)


def _move(source: Operand, target: Operand, whole: bool) -> Command:
    """A formula without steps: floats are rounded, integers and what becomes of them stored."""
    if whole or target.dtype in INTEGERS:
        return Command("ARITH", {"out": target, "a": source}, {}, "copy")
    return Command("CAST", {"out": target, "in": source})


def _arith(step: Apply, homes: dict[Term, Operand], whole: dict[Term, bool]) -> Command:
    operands, flags, scalars = _terms(step.terms, homes)
    if len(scalars) > 1:
        raise ValueError(f"{step} has no operand that varies")
    params = {"whole" if whole[step] else "scalar": value for value in scalars.values()}
    return Command("ARITH", {"out": homes[step], **operands}, params, step.function, flags)


def _select(step: Apply, homes: dict[Term, Operand], whole: dict[Term, bool]) -> Command:
    condition, *values = step.terms
    operands, flags, scalars = _terms(values, homes)
    params = {f"{'whole' if whole[step] else 'scalar'}_{name}": value for name, value in scalars.items()}
    return Command("SELECT", {"out": homes[step], "cond": homes[condition], **operands}, params, "", flags)


def _terms(terms: Sequence[Term], homes: dict[Term, Operand]) -> tuple[dict[str, Operand], Flag, dict[str, float]]:
    """Terms as the operands `a` and `b`, the flags of those that are scalars, and these."""
    operands, flags, scalars = dict[str, Operand](), Flag.NONE, dict[str, float]()
    for name, term, flag in zip("ab", terms, (Flag.SCALAR_A, Flag.SCALAR_B), strict=False):
        if isinstance(term, Constant):
            flags, scalars[name] = flags | flag, term.value
        else:
            operands[name] = homes[term]
    return operands, flags, scalars


@emit.on(tpu.LutOp)
def lut(op: tpu.LutOp, piece: Piece, place: Place) -> Iterator[Command]:
    source, table = place.inputs
    yield Command("LUT", {"out": place.output, "in": source, "table": table})


@emit.on(tpu.LutsOp)
def luts(op: tpu.LutsOp, piece: Piece, place: Place) -> Iterator[Command]:
    source, tables, which = place.inputs
    assert which is not None
    numbers = stretched(which, place.output.dims)
    yield Command("LUT", {"out": place.output, "in": source, "table": tables, "which": numbers})


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
