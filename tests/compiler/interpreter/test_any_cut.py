"""Any cut of any op gives the bits of the whole, from no more of the operands than the cut says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.dialects.access import Box, Frame
from compiler.dialects.tpu.base import TpuOp, frame_of
from compiler.dialects.tpu.group import GroupOp, Transfer, YieldOp
from compiler.dialects.tpu.ops import Tpu
from compiler.interpreter.evaluate import evaluate
from compiler.interpreter.run import run_piece
from compiler.schedule.tiling import cut, full
from tests.compiler.interpreter.makers import MAKERS, Draw, operands_of


@st.composite
def boxes(draw: Draw, extents: Frame) -> Box:
    """A non-empty part of a frame."""
    ends = [sorted(draw(st.tuples(st.integers(0, n - 1), st.integers(1, n)))) for n in extents]
    return tuple(range(a, max(a + 1, b)) for a, b in ends)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
@settings(max_examples=60)
@given(data=st.data(), seed=st.integers(0, 99))
def test_a_piece_is_the_same_bits_as_that_part_of_the_whole(
    maker: Callable[[Draw], TpuOp], data: st.DataObject, seed: int
) -> None:
    op = maker(data.draw)
    op.verify()
    arrays = operands_of(op, seed)
    box = data.draw(boxes(frame_of(op.output)))
    whole = run_piece(op, arrays, cut(op, full(op)))
    assert whole.shape == frame_of(op.output)
    part = run_piece(op, arrays, cut(op, (*box, range(op.reduction()))))
    assert part.tobytes() == whole[tuple(slice(r.start, r.stop) for r in box)].tobytes()


def test_every_op_can_be_evaluated_and_is_among_them() -> None:
    kinds = [kind for kind in Tpu.operations if not issubclass(kind, GroupOp | YieldOp | Transfer)]
    assert evaluate.missing(kinds) == []
    answers = {answer.__name__ for kind in kinds if (answer := evaluate.answer_of(kind))}
    assert {maker.__name__ for maker in MAKERS} == answers
