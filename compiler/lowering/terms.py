"""Formulas of Top ops, made ready for the chip."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from xdsl.ir import SSAValue

from compiler.dialects.formula import Apply, Constant, Operand, Term
from compiler.dialects.top.comparison import WhereOp
from compiler.dialects.top.elementwise import Elementwise, Nary
from compiler.ir.network import Array
from compiler.ir.storage import dtype_of
from compiler.lowering.job import LARGEST, Job


def bound(op: Elementwise, job: Job) -> tuple[Term, list[SSAValue]]:
    """
    The op's formula with its one-element constants written in, over the operands that are left, renumbered.

    No step has constants alone: of an op of several operands alike they stay operands. So does a condition, and the
    first of two constants that it chooses from, which says whether they are floats.
    """
    replacements, left = dict[int, Term](), list[SSAValue]()
    alike = isinstance(op, Nary) and len(op.operands) > 2
    for i, value in enumerate(op.operands):
        array = job.array(value)
        stays = alike or (isinstance(op, WhereOp) and (i == 0 or (i == 1 and _is_number(op.fbrn, job))))
        if array is not None and array.size == 1 and not stays and i + 1 - len(left) < len(op.operands):
            replacements[i] = Constant(_selected(array, job) if isinstance(op, WhereOp) else float(array.reshape(())))
        else:
            replacements[i] = Operand(len(left))
            left.append(value)
    return substitute(op.term, replacements), left


def _selected(array: Array, job: Job) -> float:
    """A number that may become the result as it is: clamped, if it is finite, into the result's range."""
    value, most = float(array.reshape(())), LARGEST[dtype_of(job.element).name]
    return min(max(value, -most), most) if array.dtype.kind == "f" and np.isfinite(value) else value


def _is_number(value: SSAValue, job: Job) -> bool:
    """Whether it is a constant of one element."""
    array = job.array(value)
    return array is not None and array.size == 1


def substitute(term: Term, replacements: Mapping[int, Term]) -> Term:
    """The term with its operands replaced, and finite constants clamped into the range of f32."""
    match term:
        case Operand(index):
            return replacements[index]
        case Constant(value) if np.isfinite(value):
            return Constant(min(max(value, -LARGEST["float32"]), LARGEST["float32"]))
        case Apply(function, terms):
            return Apply(function, tuple(substitute(t, replacements) for t in terms))
        case _:
            return term
