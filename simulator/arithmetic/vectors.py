"""Pieces of vector code that the tiles are put together from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from llvmlite import ir
from numba import types
from numba.extending import register_jitable

F = TypeVar("F", bound=Callable[..., Any])

NUMBER = ir.IntType(64)
Emit = Callable[[Any, Sequence[Any]], None]
"""Writes code with a builder, on arguments."""


def inlined(function: F) -> F:
    """A function that kernels may call."""
    return cast("F", cast("Any", register_jitable)(function))


def written(count: int, emit: Emit) -> Any:
    """What the function of an intrinsic of so many integers returns, for the code that `emit` writes."""

    def code(context: Any, builder: Any, _signature: Any, arguments: Sequence[Any]) -> Any:
        emit(builder, arguments)
        return context.get_dummy_value()

    return cast("Any", types).void(*(types.int64,) * count), code


def at(builder: Any, kind: Any, base: Any, offset: Any) -> Any:
    """The place of a value of a type at `offset` bytes from an address."""
    return builder.inttoptr(builder.add(base, offset), kind.as_pointer())


def everywhere(builder: Any, value: Any, lanes: int) -> Any:
    """A vector whose every lane is the value."""
    vector = ir.VectorType(value.type, lanes)
    nothing = ir.Constant(vector, cast("Any", None))
    one = builder.insert_element(nothing, value, ir.IntType(32)(0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes))


def repeated(builder: Any, count: Any, starts: Sequence[Any], step: Callable[[Any, Sequence[Any]], list[Any]]) -> Any:
    """A loop of at least one turn: `step(turn, values)` makes the next values; returns the last."""
    before = builder.block
    loop, after = builder.append_basic_block("step"), builder.append_basic_block("done")
    builder.branch(loop)
    builder.position_at_end(loop)
    turn, values = builder.phi(NUMBER), [builder.phi(start.type) for start in starts]
    following = step(turn, values)
    last = builder.block
    next_turn = builder.add(turn, NUMBER(1))
    builder.cbranch(builder.icmp_signed("<", next_turn, count), loop, after)
    for phi, first, later in zip([turn, *values], [NUMBER(0), *starts], [next_turn, *following], strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, last)
    builder.position_at_end(after)
    return following
