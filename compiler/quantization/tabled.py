"""Which tensors only tables read: what is quantised of them is judged behind the tables."""

from __future__ import annotations

from xdsl.ir import SSAValue

from compiler.dialects.top.base import PassesValues, TopOp
from compiler.dialects.top.elementwise import Unary


def tabled(value: SSAValue) -> bool:
    """
    Whether an op computes a tensor for ops of this operand alone, so that in eight bits all made of it is tables.

    An input isn't such: its type is what the network's caller meets.
    """
    readers = [use.operation for use in value.uses]
    made = isinstance(value.owner, TopOp) and not value.owner.has_trait(PassesValues)
    return made and bool(readers) and all(isinstance(op, Unary) for op in readers)
