"""Formulas: spelling, meaning, steps."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.dialects.formula import (
    FLOAT64,
    Apply,
    Constant,
    Operand,
    Term,
    arity,
    evaluate,
    exp,
    maximum,
    parse,
    steps,
)
from simulator.isa.table import ARITHMETIC

BINARY = ("add", "sub", "mul", "div", "max", "min")


def test_formulas_use_the_functions_that_the_chip_has() -> None:
    assert sorted(FLOAT64) == sorted(ARITHMETIC)


leaves = st.builds(Operand, st.integers(0, 2)) | st.builds(Constant, st.floats(allow_nan=False, allow_infinity=False))


def grown(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    one = st.builds(Apply, st.sampled_from([n for n in ARITHMETIC if n not in BINARY]), st.tuples(inner))
    two = st.builds(Apply, st.sampled_from(BINARY), st.tuples(inner, inner))
    return one | two


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


@pytest.mark.parametrize("name", [n for n in ARITHMETIC if n not in BINARY and n != "round"])
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
