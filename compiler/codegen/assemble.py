"""An addressed network made into a model for the chip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerAttr, StringAttr
from xdsl.dialects.func import ReturnOp
from xdsl.ir import SSAValue

from compiler.codegen.operands import DTYPES, address, dtype, in_global
from compiler.codegen.step import Made
from compiler.codegen.subnets import Program, name_at_rest, program, stated_shape
from compiler.dialects import structure
from compiler.dialects.access import Box, frame
from compiler.dialects.host import HostOp
from compiler.dialects.tpu import ops as tpu
from compiler.dialects.tpu.base import frame_of
from compiler.ir.forms import form
from compiler.ir.network import Network, declared_outputs, name_of, shape
from simulator.chip import Chip
from simulator.debug_map import TensorSlice, in_order
from simulator.isa.table import DType, Engine, Region
from simulator.model_file import IO, Model, Tensor

INTERNAL = "internal"
"""Marks an op that lowering introduced: its tensor has no partner in the stages before."""


@dataclass
class _Tensors:
    """Where each tensor of the network is to be seen, collected on the way."""

    slices: dict[SSAValue, list[TensorSlice]] = field(default_factory=dict[SSAValue, list[TensorSlice]])
    folded: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])


def assemble(network: Network, chip: Chip) -> Model:
    """
    The model of an addressed network.

    Raises NotAddressed for a module that hasn't been through memory assignment.
    """
    ops = list(network.ops)
    made = program(network, chip)
    layers = _layers(made)
    first, *others = (core.streams for core in made.cores)
    entries = [op for op in ops if isinstance(op, structure.InputOp)]
    returned = next(op for op in ops if isinstance(op, ReturnOp)).operands
    return Model(
        chip=chip,
        mode=_text(network, "module.mode"),
        inputs=tuple(_io(entry.output, entry.declared.data if entry.declared else "") for entry in entries),
        outputs=tuple(map(_io, returned, declared_outputs(network))),
        tiu=first.tiu,
        gdma=first.gdma,
        weights=_weights(network),
        activation_bytes=_size(network, "module.neuron_size"),
        io_bytes=_size(network, "module.io_size"),
        tensors=tuple(_tensors(network, made)),
        layers=tuple(layers),
        subnets=tuple(made.subnets),
        others=tuple(others),
    )


def _layers(made: Program) -> list[str]:
    """Names of the layers in order, which the records' tags count into; sets those."""
    numbers = dict[str, int]()
    for core in made.cores:
        tags = {Engine.TIU: core.streams.tiu["tag"], Engine.GDMA: core.streams.gdma["tag"]}
        for step in core.tiles:
            for node in (*step.computes, *step.inbound, *step.named("STORE")):
                tags[node.command.engine][core.position[node] - 1] = numbers.setdefault(node.layer, len(numbers))
    return list(numbers)


def _io(value: SSAValue, declared: str) -> IO:
    """An input or output; `declared` is the model's own type, empty for float32 and what only the host touches."""
    if structure.only_on_host(value):
        held = form(value).dtype
        return IO(name_of(value), stated_shape(value), DType.NONE, 0, held=held, declared=declared or held)
    region, offset = address(value)
    if region is not Region.IO:
        raise ValueError(f"{name_at_rest(value)!r} is an input or output but lies in region {region.name}")
    own, meaning = declared or "float32", form(value)
    return IO(
        name_at_rest(value),
        shape(value),
        dtype(value),
        offset,
        meaning.scale,
        meaning.zero_point,
        declared=own,
        axis=meaning.axis,
    )


def _weights(network: Network) -> NDArray[np.uint8]:
    """The WEIGHT region: every weight's bytes at its address."""
    blob = np.zeros(_size(network, "module.coeff_size"), np.uint8)
    for op in network.ops:
        if isinstance(op, structure.WeightOp):
            _, offset = address(op.output)
            array = np.ascontiguousarray(network.weights[name_of(op)]).reshape(-1).view(np.uint8)
            blob[offset : offset + array.size] = array
    return blob


def _tensors(network: Network, made: Program) -> Iterator[Tensor]:
    """The debug map: every tensor of the network in order, inputs first."""
    found = _Tensors()
    for number, core in enumerate(made.cores):
        for slice_ in core.made:
            place = max(core.position[node] for node in slice_.nodes)
            found.slices.setdefault(slice_.tensor, []).append(_slice(slice_, place, number))
    for op in network.ops:
        match op:
            case HostOp():
                yield from map(_held, op.outputs)
            case structure.InputOp() if structure.only_on_host(op.output):
                yield _held(op.output)
            case structure.InputOp():
                whole = TensorSlice(Engine.GDMA, 0, in_global(op.output), _ranges(_whole(op.output)))
                found.slices[op.output] = [whole] if 0 not in shape(op.output) else []
                yield _tensor(op.output, found.slices[op.output])
            case tpu.GroupOp():
                yield from _of_group(op, found)
            case tpu.ReshapeOp():
                found.slices[op.output] = []
                yield _tensor(op.output, [], name_at_rest(op.input))
            case tpu.ConcatOp():
                found.slices[op.output] = list(_joined(op, found))
                yield _tensor(op.output, found.slices[op.output])
            case _:
                pass


def _of_group(group: tpu.GroupOp, found: _Tensors) -> Iterator[Tensor]:
    for op in group.body.block.ops:
        if isinstance(op, tpu.ReshapeOp) and op.output not in found.slices:
            source = op.input.owner
            loaded = source.input if isinstance(source, tpu.LoadOp) else op.input
            found.slices[op.output] = found.slices.get(loaded, [])
            yield _tensor(op.output, [], name_at_rest(loaded))
        elif isinstance(op, tpu.TpuOp):
            yield _tensor(op.output, found.slices[op.output])
    stores = group.body.block.last_op
    assert isinstance(stores, tpu.YieldOp), stores
    for result, stored in zip(group.outputs, stores.inputs, strict=True):
        source = stored.owner
        assert isinstance(source, tpu.StoreOp), source
        found.slices[result] = found.slices[source.input]


def _joined(op: tpu.ConcatOp, found: _Tensors) -> Iterator[TensorSlice]:
    """The slices of a concatenation that is a view: its operands', moved along the axis."""
    axis = op.axis.value.data
    starts = accumulate((frame(shape(value))[axis] for value in op.inputs), initial=0)
    for value, start in zip(op.inputs, starts, strict=False):
        for slice_ in found.slices[value]:
            a, b, c, d = (
                (first + start, last + start) if i == axis else (first, last)
                for i, (first, last) in enumerate(slice_.box)
            )
            yield replace(slice_, box=(a, b, c, d))


def _slice(made: Made, place: int, core: int) -> TensorSlice:
    """The slice, seen right after the record at `place` of the core."""
    return TensorSlice(made.nodes[0].command.engine, place, made.operand, _ranges(made.box), core)


def _tensor(value: SSAValue, slices: Sequence[TensorSlice], folded_into: str = "") -> Tensor:
    owner = value.owner
    internal = INTERNAL in getattr(owner, "attributes", {})
    meaning = form(value)
    given = meaning.scale, meaning.zero_point, internal, tuple(in_order(slices)), folded_into
    return Tensor(name_of(value), shape(value), dtype(value), *given, axis=meaning.axis)


def _held(value: SSAValue) -> Tensor:
    """A tensor that the host makes, or alone reads."""
    kept = form(value)
    kind = DTYPES.get(kept.numpy, DType.NONE)
    return Tensor(
        name_of(value), stated_shape(value), kind, kept.scale, kept.zero_point, held=kept.dtype, axis=kept.axis
    )


def _whole(value: SSAValue) -> Box:
    return tuple(map(range, frame_of(value)))


def _ranges(box: Box) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]:
    n, c, h, w = ((r.start, r.stop) for r in box)
    return n, c, h, w


def _size(network: Network, key: str) -> int:
    stated = network.module.attributes.get(key)
    if not isinstance(stated, IntegerAttr):
        raise ValueError(f"the module has no {key}; run memory assignment first")
    return stated.value.data


def _text(network: Network, key: str) -> str:
    stated = network.module.attributes.get(key)
    return stated.data if isinstance(stated, StringAttr) else ""
