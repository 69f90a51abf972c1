"""Formulas: spelling, meaning, steps."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.dialects.formula import (
    Apply,
    Constant,
    Operand,
    Term,
    arity,
    buffers,
    evaluate,
    exp,
    less,
    maximum,
    parse,
    select,
    steps,
    whole_steps,
)
from compiler.dialects.functions import FLOAT64, INT64
from simulator.arithmetic.stepwise import INTEGER, STEPWISE
from simulator.isa.table import ARITHMETIC, BINARY, WHOLE_ONLY


def test_formulas_use_the_functions_that_the_chip_has() -> None:
    assert set(FLOAT64) == {*ARITHMETIC, "select"} - WHOLE_ONLY
    assert set(INT64) == {*INTEGER, "select"}


leaves = st.builds(Operand, st.integers(0, 2)) | st.builds(Constant, st.floats(allow_nan=False))


def grown(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    one = st.builds(Apply, st.sampled_from([n for n in ARITHMETIC if n not in BINARY]), st.tuples(inner))
    two = st.builds(Apply, st.sampled_from(sorted(BINARY)), st.tuples(inner, inner))
    return one | two | st.builds(select, inner, inner, inner)


terms: st.SearchStrategy[Term] = st.recursive(leaves, grown, max_leaves=12)


@given(terms)
def test_a_term_is_read_back_as_it_is_spelt(term: Term) -> None:
    assert parse(str(term)) == term


@given(terms)
def test_each_step_comes_after_those_it_needs_and_only_once(term: Term) -> None:
    found = steps(term)
    assert len(set(found)) == len(found)
    for i, step in enumerate(found):
        assert all(t in found[:i] for t in step.terms if isinstance(t, Apply))
    assert not isinstance(term, Apply) or found[-1] == term


@pytest.mark.parametrize("name", [n for n in ARITHMETIC if n not in BINARY | {"round", "copy"} | WHOLE_ONLY])
def test_functions_are_those_of_the_math_library(name: str) -> None:
    named: dict[str, Callable[[float], float]] = {"abs": math.fabs, **vars(math)}
    x = np.array([0.25, 0.5, 1.5, 3.75])
    expected = [named[name](float(v)) for v in x]
    np.testing.assert_allclose(evaluate(Apply(name, (Operand(0),)), [x]), expected, rtol=1e-15)


def test_round_takes_ties_to_even() -> None:
    assert evaluate(parse("round(x0)"), [np.array([0.5, 1.5, 2.5, -0.5])]).tolist() == [0, 2, 2, 0]


def test_operators_build_terms_from_either_side() -> None:
    x = Operand(0)
    value = evaluate(1.0 - x + 2.0 * (3.0 / x) - (-x), [np.array(4.0)])
    assert value == 1 - 4 + 2 * 3 / 4 + 4
    assert str(exp(maximum(x, 0.0))) == "exp(max(x0, 0.0))"


def test_arity_counts_the_operands_named() -> None:
    assert arity(parse("(x0 + exp(x2))")) == 3
    assert arity(Constant(1.0)) == 0


@pytest.mark.parametrize("text", ["x0 ** 2.0", "y + x0", "sinh(x0)", "x0 if x1 else x2", "1", "__import__('os')"])
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a formula"):
        parse(text)


@given(terms)
def test_no_step_overwrites_what_is_still_to_be_read(term: Term) -> None:
    """Results kept in their buffers alone, each overwritten by the next that is put there, are what is read."""
    placed, held = buffers(term), dict[int, Apply]()
    program = steps(term)
    for step in program:
        for inner in (t for t in step.terms if isinstance(t, Apply)):
            assert held[placed[inner]] == inner
            assert placed.get(step) != placed[inner]
        if step in placed:
            held[placed[step]] = step
    assert list(placed) == program[:-1]


def test_few_buffers_serve_a_long_formula() -> None:
    term: Term = Operand(0)
    for _ in range(9):
        term = exp(term) + 1.0
    assert len(steps(term)) == 18
    assert set(buffers(term).values()) == {0, 1}


INTEGERS = ("add", "sub", "mul", "max", "min", "lt", "le", "eq", "bitand", "bitor", "bitxor", "fmod", "div", "mod")
SMALL = st.integers(-40, 40)
whole_leaves = st.builds(Operand, st.integers(0, 2)) | st.builds(Constant, SMALL.map(float))
whole_terms: st.SearchStrategy[Term] = st.recursive(
    whole_leaves,
    lambda inner: (
        st.builds(Apply, st.sampled_from(INTEGERS), st.tuples(inner, inner)) | st.builds(select, inner, inner, inner)
    ),
    max_leaves=5,
)


@given(whole_terms, st.lists(st.tuples(SMALL, SMALL, SMALL), min_size=1, max_size=5))
def test_integers_on_the_chip_are_the_reference_modulo_2_to_the_32(
    term: Term, rows: list[tuple[int, int, int]]
) -> None:
    wide = list(np.array(rows, np.int64).T)
    if not all(whole_steps(term, [True] * 3).values()) or not arity(term):
        return
    found = evaluate(term, [x.astype(np.int32) for x in wide], STEPWISE)
    assert np.array_equal(found, evaluate(term, wide, INT64).astype(np.int32))


def test_types_of_steps() -> None:
    count, real = Operand(0), Operand(1)
    chosen = select(less(real, 0.0), count, 7.0)
    flags = select(less(real, 0.0), 1.0, 0.0)
    known = whole_steps(chosen + flags, [True, False])
    assert (known[chosen], known[flags], known[less(real, 0.0)], known[chosen + flags]) == (True, False, False, False)
    assert whole_steps(select(less(count, 3.0), 1.0, 0.0), [True])[select(less(count, 3.0), 1.0, 0.0)]
