"""Every tensor in global memory gets its address, written into its type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from xdsl.dialects.builtin import FunctionType, IntegerAttr, TensorType
from xdsl.dialects.func import ReturnOp
from xdsl.ir import SSAValue
from xdsl.rewriter import Rewriter

from compiler.dialects.fields import integer
from compiler.dialects.structure import InputOp, WeightOp, only_on_host
from compiler.dialects.tpu.group import GroupOp, YieldOp
from compiler.dialects.tpu.movement import ConcatOp, ReshapeOp
from compiler.ir.network import Network, shape, size, tensor
from compiler.ir.storage import itemsize
from compiler.schedule.global_memory import Packing, pack
from compiler.schedule.lifetimes import Lifetime
from simulator.isa.table import Region
from simulator.layout import up

REGION_SHIFT = 40
"""An address is `region << 40 | offset`."""

ALIGNMENT = 64
"""Bytes: tensors begin on whole bursts."""

SIZES = {
    Region.WEIGHT: "module.coeff_size",
    Region.ACTIVATION: "module.neuron_size",
    Region.IO: "module.io_size",
}
"""The module attribute that holds each region's bytes."""


@dataclass(eq=False)
class Storage:
    """A stretch of global memory: the values in it with their offsets, and the first and last op that touch it."""

    at: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    region: Region = Region.ACTIVATION
    first: int = -1
    last: int = -1

    @property
    def bytes(self) -> int:
        """Its length, whole bursts."""
        return max(up(offset + itemsize(v) * size(shape(v)), ALIGNMENT) * ALIGNMENT for v, offset in self.at.items())


def assign(network: Network) -> Packing:
    """
    Address every tensor of `main` and note the regions' sizes; returns how activations were packed.

    Weights lie in the order of their ops, inputs and outputs in IO each by itself; activations share memory as their
    lifetimes allow. A Reshape lies where its operand does, the operands of a Concat outside of groups in its result.
    What only the host touches has no address.
    """
    storages = list(_storages(network))
    packing = pack([])
    for region, key in SIZES.items():
        members = [storage for storage in storages if storage.region is region]
        if region is Region.ACTIVATION:
            packing = pack([Lifetime(s.first, s.last + 1, s.bytes) for s in members])
            offsets, total = list(packing.offsets), packing.peak
        else:
            *offsets, total = accumulate((s.bytes for s in members), initial=0)
        network.module.attributes[key] = integer(total)
        for storage, offset in zip(members, offsets, strict=True):
            for value, inner in storage.at.items():
                _write(value, region, offset + inner)
    _retype(network)
    return packing


def region_bytes(network: Network, region: Region) -> int:
    """The size of a region of an addressed network."""
    held = network.module.attributes[SIZES[region]]
    assert isinstance(held, IntegerAttr), held
    return held.value.data


def _storages(network: Network) -> Iterator[Storage]:
    """The stretches, in the order in which ops first touch them."""
    homes = _homes(network)
    for value, (storage, offset) in homes.items():
        storage.at[value] = offset
    seen = dict[Storage, None]()
    for step, op in enumerate(network.ops):
        for value in (*op.operands, *op.results):
            if value not in homes:
                continue
            storage = homes[value][0]
            if storage not in seen:
                storage.first = step
            storage.last = step
            seen[storage] = None
            if isinstance(op, InputOp | ReturnOp):
                storage.region = Region.IO
            elif isinstance(op, WeightOp):
                storage.region = Region.WEIGHT
    return iter(seen)


def _homes(network: Network) -> dict[SSAValue, tuple[Storage, int]]:
    """For each tensor the stretch it lies in, and its offset there."""
    inside = dict[SSAValue, tuple[SSAValue, int]]()
    for op in network.ops:
        if isinstance(op, ConcatOp):
            row = size(shape(op.output)[op.axis.value.data + 1 :]) * itemsize(op.output)
            inside |= {v: (op.output, start * row) for v, start in zip(op.inputs, op.starts(), strict=True)}
        elif isinstance(op, ReshapeOp):
            inside[op.output] = (op.input, 0)
        elif isinstance(op, InputOp):
            inside[op.input] = (op.output, 0)
    aside = set(_aside(network))
    touched = (v for op in network.ops for v in (*op.operands, *op.results) if v not in aside)
    tensors = (v for v in touched if isinstance(v.type, TensorType))
    homes, owned = dict[SSAValue, tuple[Storage, int]](), dict[SSAValue, Storage]()
    for value in tensors:
        root, offset = value, 0
        while root in inside:
            root, start = inside[root]
            offset += start
        homes[value] = owned.setdefault(root, Storage()), offset
    return homes


def _aside(network: Network) -> Iterator[SSAValue]:
    """The values that only the host touches."""
    for op in network.ops:
        for value in op.results:
            if only_on_host(value):
                yield from (value, *op.operands) if isinstance(op, InputOp) else (value,)


def _write(value: SSAValue, region: Region, offset: int) -> None:
    kind = tensor(value)
    addressed = TensorType(kind.element_type, kind.get_shape(), integer(region << REGION_SHIFT | offset))
    if isinstance(value.owner, GroupOp):
        last = value.owner.body.block.last_op
        assert isinstance(last, YieldOp), last
        Rewriter.replace_value_with_new_type(last.inputs[value.owner.results.index(value)], addressed)
    Rewriter.replace_value_with_new_type(value, addressed)


def _retype(network: Network) -> None:
    """The function's type says what its arguments and results now are."""
    main = network.main
    returned = main.body.block.last_op
    assert isinstance(returned, ReturnOp), returned
    arguments = [argument.type for argument in main.body.block.args]
    main.function_type = FunctionType.from_lists(arguments, [value.type for value in returned.operands])
