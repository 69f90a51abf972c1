"""The engine and the second implementation leave the same bytes, whatever the command and wherever its operands lie."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.isa.table import BINARY, REAL_ONLY, SPECS, WHOLE_ONLY, DType, Flag
from tests.simulator.oracle.comparison import compared, drawn
from tests.simulator.oracle.drawing.kind import PLAIN
from tests.simulator.oracle.drawing.table import DRAWINGS, KINDS, page_of
from tests.simulator.oracle.semantics import SEMANTICS

MOVES_NOTHING = {"NOP", "END", "SEND", "WAIT", "DMA_END"}


def test_every_op_function_and_flag_is_drawn() -> None:
    assert set(DRAWINGS) == set(SEMANTICS) == set(SPECS) - MOVES_NOTHING
    functions = {(op, function) for op in DRAWINGS for function in SPECS[op].functions or ("",)}
    assert {(kind.op, kind.function) for kind in KINDS} == functions
    assert {flag for kind in KINDS for flag in Flag if flag in kind.flags} == set(Flag)


@pytest.mark.parametrize("name", sorted(BINARY))
def test_every_combination_of_types_of_a_function_is_drawn(name: str) -> None:
    signatures = {kind.types for kind in KINDS if (kind.op, kind.function, kind.flags) == ("ARITH", name, Flag.NONE)}
    whole = {DType.I8, DType.U8, DType.I32}
    pairs = {(a, b) for a in PLAIN for b in PLAIN if name not in WHOLE_ONLY or {a, b} <= whole}
    assert name not in REAL_ONLY
    assert signatures == {(("out", out), ("a", a), ("b", b)) for out in PLAIN for a, b in pairs}


def test_every_kind_leaves_the_same_bytes() -> None:
    random = Random(7)
    kinds = random.sample(KINDS, len(KINDS))
    tally = drawn(random, kinds)
    assert tally.mismatches == []
    assert sum(tally.commands.values()) >= len(KINDS)


@pytest.mark.parametrize("op", list(DRAWINGS))
@settings(max_examples=9)
@given(st.data())
def test_drawn_commands_leave_the_same_bytes(op: str, data: st.DataObject) -> None:
    kinds = [kind for kind in KINDS if kind.op == op]
    chosen = data.draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3))
    page = page_of(data.draw(st.randoms(use_true_random=False)), chosen)
    assert compared(page) == []
