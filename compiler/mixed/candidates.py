"""
What may be kept out of 8 bits: one tensor at a time, by giving formats to the ops that read it.

An activation is stored in 8 bits because some op wants it so. If every op that reads it computes on floats, it is a
float: what makes it gives its sums, or computes in float itself. So a candidate is a tensor, and its entries are its
readers'. Ops that lowering makes one of (attention) go together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue

from compiler.dialects.structure import InputOp, WeightOp
from compiler.dialects.top.base import PassesValues, TopOp
from compiler.dialects.top.contraction import ConvOp, MatMulOp
from compiler.dialects.top.elementwise import Elementwise
from compiler.ir.network import Network, name_of
from compiler.quantization.qtable import of_constants

WIDE, HALF = "W8F16", "F16"


@dataclass(frozen=True)
class Candidate:
    """A `tensor` that becomes a float, and the number formats by op that do it, contractions in `format`."""

    tensor: str
    format: str
    formats: Mapping[str, str]


@dataclass(frozen=True)
class Space:
    """
    A network as the search sees it.

    `readers` are, by tensor stored in 8 bits, the entries that all have to be floats for it to be one. `contractions`
    names the ops that have weights of 8 bits.
    """

    readers: Mapping[str, frozenset[str]]
    contractions: frozenset[str]
    candidates: tuple[Candidate, ...]

    def stored(self, formats: Mapping[str, str]) -> list[str]:
        """The tensors that these formats leave in 8 bits."""
        return [name for name, readers in self.readers.items() if not readers <= formats.keys()]

    def rounded(self, formats: Mapping[str, str]) -> list[str]:
        """The ops whose weights these formats leave in 8 bits."""
        return [name for name in sorted(self.contractions) if formats.get(name, WIDE) == WIDE]


def space(network: Network, stored: Collection[str], together: Sequence[Sequence[Operation]]) -> Space:
    """
    What there is to choose from in a calibrated network, in its order.

    `stored` are the tensors that int8 lowering has in 8 bits, `together` ops that are lowered as one.
    """
    groups = {op: tuple(ops) for ops in together for op in ops}
    readers, found = dict[str, frozenset[str]](), list[Candidate]()
    for op in network.ops:
        if not isinstance(op, TopOp | InputOp) or _moves(op) or not _is_stored(op.output, stored):
            continue
        found_readers = list(dict.fromkeys(_readers(op.output)))
        returned = any(isinstance(reader, ReturnOp) for reader in found_readers)
        ops = [part for reader in found_readers for part in groups.get(reader, (reader,))]
        own = [] if (isinstance(op, Elementwise) or _has_weights(op) or op in groups) and not returned else [op]
        needed = list(dict.fromkeys([*own, *_beside(op.output), *(each for each in ops if isinstance(each, TopOp))]))
        if not needed:
            continue
        readers[name_of(op)] = frozenset(map(name_of, needed))
        for narrow in (WIDE, HALF):
            found.append(
                Candidate(
                    name_of(op),
                    narrow,
                    {name_of(each): _format(each, HALF if each in groups else narrow) for each in needed},
                )
            )
    contractions = frozenset(name_of(op) for op in network.ops if _has_weights(op))
    return Space(readers, contractions, tuple(found))


def merged(formats: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Both; where they differ the one whose weights are floats."""
    made = dict(formats)
    for name, wanted in more.items():
        if made.get(name, WIDE) == WIDE:
            made[name] = wanted
    return made


def _moves(op: Operation) -> bool:
    """Whether it only passes on what others make."""
    return op.has_trait(PassesValues) and not of_constants(op)


def _is_stored(value: SSAValue, stored: Collection[str]) -> bool:
    """Whether a value or a view of it is."""
    views = (use.operation for use in value.uses if use.operation.has_trait(PassesValues))
    return name_of(value) in stored or any(_is_stored(view.results[0], stored) for view in views)


def _format(op: Operation, narrow: str) -> str:
    """The format that an op gets where contractions have `narrow`."""
    if narrow == HALF or isinstance(op, InputOp) or op.has_trait(PassesValues):
        return HALF
    if _has_weights(op):
        return WIDE
    return HALF if isinstance(op, ConvOp | MatMulOp) else "F32"


def _has_weights(op: Operation) -> bool:
    """Whether it is a contraction with a constant."""
    return isinstance(op, ConvOp | MatMulOp) and isinstance(op.operands[1].owner, WeightOp)


def _readers(value: SSAValue) -> Iterator[Operation]:
    """The ops that compute on a value, views and moves in between."""
    for use in value.uses:
        if isinstance(use.operation, TopOp) and use.operation.has_trait(PassesValues):
            yield from _readers(use.operation.output)
        elif isinstance(use.operation, TopOp | ReturnOp):
            yield use.operation


def _beside(value: SSAValue) -> Iterator[Operation]:
    """What makes the tensors that a value is joined to on its way to the network's results: one type holds them all."""
    for use in value.uses:
        reader = use.operation
        if isinstance(reader, TopOp) and reader.has_trait(PassesValues):
            if any(isinstance(behind, ReturnOp) for behind in _readers(reader.output)):
                yield from (maker for operand in reader.passed() for maker in _makers(operand))
            yield from _beside(reader.output)


def _makers(value: SSAValue) -> Iterator[Operation]:
    """The ops that compute a value, views and moves in between."""
    owner = value.owner
    if isinstance(owner, TopOp) and owner.has_trait(PassesValues):
        for operand in owner.passed():
            yield from _makers(operand)
    elif isinstance(owner, TopOp | InputOp):
        yield owner
