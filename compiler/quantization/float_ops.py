"""Which ops of an int8 network are computed in float for what reads them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xdsl.ir import Operation

from compiler.dialects.top.base import PassesValues
from compiler.dialects.top.elementwise import AddOp, Elementwise, SqrtOp
from compiler.dialects.top.normalisation import LayerNormOp, RMSNormOp, SoftmaxOp
from compiler.ir.network import name_of

Formats = Mapping[str, str]
"""By op, the format that a qtable gives it."""

FLOAT_READERS = (SoftmaxOp, LayerNormOp, RMSNormOp)
"""Ops that are f32 in an int8 network, and would rather have precise operands."""


def stays_float(op: Operation, formats: Formats = MappingProxyType({})) -> bool:
    """Whether it is the root of a sum, or an elementwise op that serves float ops alone, and no qtable has it int8."""
    if not isinstance(op, Elementwise) or formats.get(name_of(op)) == "int8":
        return False
    return is_root_of_sum(op) or serves_float(op, formats)


def serves_float(op: Operation, formats: Formats = MappingProxyType({})) -> bool:
    """
    Whether an op's result is read by float ops alone, elementwise ops in between.

    Those are `FLOAT_READERS`, and the ops that `formats`, a qtable's, has in a float format.
    """
    readers = [use.operation for use in op.results[0].uses]
    return bool(readers) and all(
        isinstance(reader, FLOAT_READERS) or stays_float(reader, formats) or _wants_float(reader, formats)
        for reader in readers
    )


def is_root_of_sum(op: Operation) -> bool:
    """
    Whether it is the root of a sum, as of squares: what is small counts there as what is large does.

    Steps that serve the largest square leave nothing of what is a sixteenth as large before it.
    """
    return isinstance(op, SqrtOp) and isinstance(op.input.owner, AddOp)


def _wants_float(reader: Operation, formats: Formats) -> bool:
    """Whether a qtable has a reader in a float format, or all that it passes its values on to."""
    if reader.has_trait(PassesValues) and reader.results:
        uses = reader.results[0].uses
        return bool(uses) and all(_wants_float(use.operation, formats) for use in uses)
    return formats.get(name_of(reader), "int8") != "int8"
