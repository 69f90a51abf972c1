"""Who lies where, and for how long: local memory by layer group, global memory over the whole program."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from xdsl.dialects.builtin import IntegerAttr, TensorType
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue

from compiler.dialects.structure import InputOp, NoneOp, WeightOp
from compiler.dialects.tpu.group import GroupOp, LoadOp, StoreOp
from compiler.dialects.tpu.slices import LgAttr
from compiler.ir.network import Network, name_of, shape, size, tensor
from compiler.ir.storage import itemsize
from compiler.schedule.addresses import REGION_SHIFT
from simulator.isa.table import Region


@dataclass(frozen=True)
class Held:
    """
    `bytes` from `address`, held from op `begin` up to op `end` in program order.

    Of a lane's memory in layer group `group` (`kind` loaded, computed or carried), or of global memory, where `kind`
    is the region's name and `group` -1.
    """

    group: int
    tensor: str
    kind: str
    begin: int
    end: int
    address: int
    bytes: int


COLUMNS = tuple(field.name for field in fields(Held))


def write(path: Path, rows: Iterable[Held]) -> None:
    """One line a row, as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(row) for row in rows)


def members(network: Network) -> Iterator[tuple[str, str]]:
    """Every op that a layer group runs, by name, behind the name of the group: that of its last op."""
    for group in (op for op in network.ops if isinstance(op, GroupOp)):
        ops = group.body.block.ops
        names = [name_of(op) for op in ops if op.results and not isinstance(op, LoadOp | StoreOp)]
        yield from ((names[-1], name) for name in names)


def local_buffers(network: Network) -> Iterator[Held]:
    """Every buffer of every layer group, each held until its last reader in the group has run; ops are counted on."""
    first = 0
    for number, group in enumerate(op for op in network.ops if isinstance(op, GroupOp)):
        place = {op: first + i for i, op in enumerate(op for op in group.body.block.ops if "ginfo" in op.attributes)}
        for op, begin in place.items():
            yield from _buffers(number, op, begin, place)
        first += len(place)


def _buffers(group: int, op: Operation, begin: int, place: Mapping[Operation, int]) -> Iterator[Held]:
    slices = op.attributes["ginfo"]
    assert isinstance(slices, LgAttr)
    held, name = slices.data, name_of(op)
    readers = (use.operation for result in op.results for use in result.uses)
    end = 1 + max([begin, *(place[reader] for reader in readers if reader in place)])
    kind = "loaded" if isinstance(op, LoadOp) else "computed"
    if op.results:
        yield from (Held(group, name, kind, begin, end, address, held.size) for address in held.addr)
    carried = [*held.tmp, *([held.acc] if held.acc >= 0 else [])]
    yield from (Held(group, name, "carried", begin, begin + 1, address, held.size) for address in carried)


def global_tensors(network: Network) -> list[Held]:
    """
    Every addressed tensor of `main`, held from the op that makes it up to its last reader; weights throughout.

    Only ops that chip or host run are counted.
    """
    step, made = dict[Operation, int](), 0
    for op in network.ops:
        step[op] = made
        made += not isinstance(op, InputOp | WeightOp | NoneOp | ReturnOp)
    values = (value for op in step for value in op.results if isinstance(value.type, TensorType))
    return [_placed(value, step, made) for value in values if isinstance(tensor(value).encoding, IntegerAttr)]


def _placed(value: SSAValue, step: Mapping[Operation, int], last: int) -> Held:
    where = tensor(value).encoding
    assert isinstance(where, IntegerAttr), where
    region, offset = Region(where.value.data >> REGION_SHIFT), where.value.data & ((1 << REGION_SHIFT) - 1)
    owner = value.owner
    assert isinstance(owner, Operation), owner
    # A group names what its ops read among its own operands, so uses inside of it need no look.
    readers = [use.operation for use in value.uses if use.operation in step]
    begin, end = step[owner], min(last, 1 + max([step[owner], *(step[reader] for reader in readers)]))
    if region is Region.WEIGHT:
        begin, end = 0, last
    return Held(-1, _title(value), region.name.lower(), begin, end, offset, itemsize(value) * size(shape(value)))


def _title(value: SSAValue) -> str:
    """The tensor's name; of a group's result, that of the tensor it hands out."""
    if not isinstance(value.owner, GroupOp):
        return name_of(value)
    handed = value.owner.body.block.last_op
    assert handed is not None
    return name_of(handed.operands[value.owner.results.index(value)])
