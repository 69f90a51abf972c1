"""A question asked of every op."""

from __future__ import annotations

import pytest
from xdsl.dialects.builtin import NoneType, TensorType, f32
from xdsl.ir import Operation

from compiler.dialects import structure
from compiler.dialects.fields import ints
from compiler.dialects.structure import WeightOp
from compiler.dialects.top import ops as top
from compiler.ir.interface import Interface, Unanswered
from compiler.ir.network import named

IMAGE = TensorType(f32, [1, 2, 4, 4])


@Interface
def describe(op: Operation, loudly: bool) -> str:
    """A word for the op."""
    raise NotImplementedError


@describe.on(top.Elementwise)
def elementwise(op: top.Elementwise, loudly: bool) -> str:
    return "ELEMENTWISE" if loudly else "elementwise"


@describe.on(top.ReluOp, top.MaxPoolOp)
def maximum(op: top.TopOp, loudly: bool) -> str:
    return "maximum"


def unary(kind: type[top.Unary]) -> top.Unary:
    image = WeightOp(result_types=[IMAGE]).output
    return named(kind(operands=[image], result_types=[IMAGE]), "layer3.act")


def test_an_ancestors_answer_serves_its_family() -> None:
    assert describe(unary(top.SigmoidOp), loudly=True) == "ELEMENTWISE"


def test_the_nearest_answer_wins() -> None:
    assert describe(unary(top.ReluOp), False) == "maximum"


def test_an_unanswered_op_is_named_with_its_tensor_and_the_questions_home() -> None:
    image = WeightOp(result_types=[IMAGE]).output
    shuffled = top.PermuteOp(operands=[image], result_types=[IMAGE], attributes={"order": ints(0, 1, 2, 3)})
    with pytest.raises(Unanswered, match=r"top\.Permute at 'layer4': no answer for 'describe' in tests\.compiler\.ir"):
        describe(named(shuffled, "layer4"), False)


def test_an_unnamed_op_still_gives_a_message() -> None:
    with pytest.raises(Unanswered, match="<unnamed>"):
        describe(structure.NoneOp(result_types=[NoneType()]), False)


def test_two_answers_for_one_class_are_refused() -> None:
    with pytest.raises(TypeError, match="ReluOp already answers 'describe'"):
        describe.on(top.ReluOp)(maximum)


def test_missing_lists_classes_without_an_answer() -> None:
    assert describe.missing([top.ReluOp, top.PermuteOp, top.TanhOp]) == ["top.Permute"]
    assert describe.answer_of(top.TanhOp) is elementwise
