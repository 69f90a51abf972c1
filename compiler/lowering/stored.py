"""Which tensors of a lowered network are int8, told in the terms of the Top network that it was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue

from compiler.dialects.quant import UniformType
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import CastOp, ElementwiseOp
from compiler.ir.network import Network, name_of, tensor
from compiler.ir.storage import is_float, is_quantised
from compiler.lowering.job import Contracted


@dataclass(frozen=True)
class Stored:
    """
    `types` has every Top tensor that is int8 somewhere; `bare` each pair of such a tensor and an op reading its floats.

    `contractions` are the ops with int8 weights.
    """

    types: Mapping[str, UniformType]
    bare: frozenset[tuple[str, str]]
    contractions: frozenset[str]


def stored(lowered: Network, tops: Collection[str], contracted: Iterable[Contracted]) -> Stored:
    """
    What `lower`, which returned `contracted`, made of a network with the tensors `tops`.

    What is folded away, into a table or into a float op, isn't rounded, and so is float.
    """
    types, bare = dict[str, UniformType](), set[tuple[str, str]]()
    for op in lowered.ops:
        for value in op.results:
            name = name_of(value)
            if is_quantised(value) and name in tops:
                types[name] = _type(value)
            elif name in tops and (held := _cast(value)) is not None:
                types[name] = _type(held)
                bare |= {(name, top) for top in _readers(value, tops) if top is not None}
    return Stored(types, frozenset(bare), frozenset(told.of for told in contracted))


def _type(value: SSAValue) -> UniformType:
    element = tensor(value).element_type
    assert isinstance(element, UniformType)
    return element


def _cast(value: SSAValue) -> SSAValue | None:
    """A float tensor as int8, where a cast makes it that."""
    if not hasattr(value.type, "element_type") or not is_float(value):
        return None
    return next((reader.output for reader in _casts(value)), None)


def _casts(value: SSAValue) -> list[TpuOp]:
    readers = [use.operation for use in value.uses]
    return [
        reader
        for reader in readers
        if isinstance(reader, CastOp | ElementwiseOp)
        and reader.internal is not None
        and is_quantised(reader.output)
        and len(reader.operands) == 1
    ]


def _readers(value: SSAValue, tops: Collection[str]) -> Iterable[str | None]:
    """The Top ops, by name, that read a value other than through its cast."""
    casts = _casts(value)
    for use in value.uses:
        if use.operation not in casts:
            yield from _named(use.operation, tops)


def _named(op: Operation, tops: Collection[str]) -> Iterable[str | None]:
    if isinstance(op, ReturnOp):
        return
    if name_of(op) in tops:
        yield name_of(op)
        return
    for result in op.results:
        for use in result.uses:
            yield from _named(use.operation, tops)
