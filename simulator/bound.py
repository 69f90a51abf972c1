"""
What no compiler can beat: floor, bound and compulsory bytes of a network.

All from `sample.onnx`, mode and preset. Kept apart from the timing of records on purpose, so that a mistake there can't
move the mark it is measured by.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Any

import onnx
from onnx import shape_inference

from simulator.chip import Chip

Shape = tuple[int, ...]

WIDTHS: Mapping[str, int] = {"f32": 4, "bf16": 2, "f16": 2, "int8": 1, "int8a": 1, "mix": 1}
"""Bytes an element by mode."""

INDEX_BYTES = 4
"""Bytes of an element of an integer input."""

FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16, onnx.TensorProto.DOUBLE)


class UnknownShape(ValueError):
    """A tensor of the network has no static shape; the message names it."""


@dataclass(frozen=True)
class Bounds:
    """
    `floor` ≤ cycles of any program; `bound` is what cycles are compared with, the array's rounding counted.

    `compulsory` bytes cross the memory bus at least; `cube_macs` and `depthwise_macs` are those of the chip's part of
    the network, `host_macs` those of the ops that the host runs: they count in nothing else.
    """

    floor: int
    bound: int
    compulsory: int
    cube_macs: int
    depthwise_macs: int
    host_macs: int = 0

    @property
    def host_share(self) -> float:
        """The host's share of the network's MACs."""
        whole = self.cube_macs + self.depthwise_macs + self.host_macs
        return self.host_macs / whole if whole else 0.0


@dataclass(frozen=True)
class Contraction:
    """
    One conv or matmul, of `rows` (images · groups, or a batch), each to `channels` (of a group) by `pixels` results.

    Each result sums `depth` channels of `taps` values. `weight` names a constant operand of `elements` and
    `outputs` channels in all.
    """

    rows: int
    channels: int
    pixels: int
    depth: int
    taps: int
    depthwise: bool = False
    weight: str = ""
    elements: int = 0
    outputs: int = 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.rows * self.channels * self.pixels * self.depth * self.taps


@dataclass(frozen=True)
class Net:
    """A graph with all its shapes; `constant` names what no input can change, `aside` what the host makes."""

    graph: onnx.GraphProto
    shapes: Mapping[str, Shape]
    types: Mapping[str, int]
    constant: frozenset[str]
    aside: frozenset[str] = frozenset()

    @property
    def nodes(self) -> list[onnx.NodeProto]:
        """The nodes that the host doesn't run."""
        return [node for node in self.graph.node if self.aside.isdisjoint(node.output)]

    def shape(self, name: str) -> Shape:
        """Extents of a tensor. Raises UnknownShape."""
        if name not in self.shapes:
            raise UnknownShape(f"{name!r} has no static shape; give the inputs' shapes to the sample_onnx stage")
        return self.shapes[name]


@dataclass(frozen=True)
class Aside:
    """An op of the host by the tensors that it reads and makes: inputs by name, others as `<output>_<op type>`."""

    inputs: Collection[str]
    outputs: Collection[str]


def bounds(model: onnx.ModelProto, mode: str, chip: Chip, host: Sequence[Aside] = ()) -> Bounds:
    """
    Floor, bound and compulsory bytes on `chip` with numbers as in `mode`, without what ops of the host compute.

    Raises UnknownShape, and ValueError for a mode there isn't.
    """
    if mode not in WIDTHS:
        raise ValueError(f"no mode {mode!r}; there are {', '.join(WIDTHS)}")
    size = WIDTHS[mode]
    whole = _net(model)
    net = _without(whole, host)
    work, everything = list(_contractions(net)), list(_contractions(whole)) if host else []
    cube = sum(item.macs for item in work if not item.depthwise)
    depthwise = sum(item.macs for item in work if item.depthwise)
    least = compulsory_bytes(net, work, size)
    moved = least / max(chip.ddr_bytes_per_cycle, chip.ddr_write_bytes_per_cycle)
    vector = chip.cores * chip.lanes * chip.eu_bytes // size
    peak = vector if size == 4 else chip.cores * chip.lanes * _depth(chip, size) * chip.cube_px
    floor = ceil(max(cube / peak + depthwise / vector, moved))
    bound = round(max(sum(array_cycles(item, size, chip) for item in work), moved))
    aside = sum(item.macs for item in everything) - (cube + depthwise) if host else 0
    return Bounds(floor, bound, least, cube, depthwise, aside)


def array_cycles(item: Contraction, size: int, chip: Chip) -> int:
    """
    Cycles of a whole conv or matmul of `size`-byte elements, every axis rounded up to the array (docs/isa.md, Time).

    Several cores share out the results that one array makes at once, as many as it has lanes and pixels: the core with
    the most of them counts. A sum stays on one core.
    """
    rows = item.rows * _up(item.channels, chip.lanes)
    if item.depthwise or size == 4:
        return _up(rows * _up(item.pixels, chip.eu_bytes // size), chip.cores) * item.depth * item.taps
    deep = _depth(chip, size)
    folded = item.depth < deep
    steps = _up(item.depth * item.taps, deep) if folded else _up(item.depth, deep) * item.taps
    return _up(rows * _up(item.pixels, chip.cube_px), chip.cores) * steps


def compulsory_bytes(net: Net, work: Sequence[Contraction], size: int) -> int:
    """Each weight once with its channels' parameters, each used input and each output once, and gathered rows."""
    params = 12 if size == 1 else 4
    weights = {item.weight: item.elements * size + item.outputs * params for item in work}
    held = {tensor.name for tensor in net.graph.initializer}
    read = {name for node in net.nodes for name in node.input} | {value.name for value in net.graph.output}
    inputs = [value.name for value in net.graph.input if value.name in read - held]
    made = {name for node in net.nodes for name in node.output} | {*inputs}
    edges = [*inputs, *(value.name for value in net.graph.output if value.name in made or not net.aside)]
    io = sum(prod(net.shape(name)) * (size if net.types[name] in FLOATS else INDEX_BYTES) for name in edges)
    return sum(weights.values()) + io + sum(_gathered(net, node, size) for node in net.nodes)


def _gathered(net: Net, node: onnx.NodeProto, size: int) -> int:
    """Bytes of the rows read from a constant table."""
    if node.op_type != "Gather" or node.input[0] not in net.constant or node.output[0] in net.constant:
        return 0
    return prod(net.shape(node.output[0])) * size


def contractions(model: onnx.ModelProto, host: Sequence[Aside] = ()) -> Mapping[str, Contraction]:
    """By the name of its result, every conv and matmul that the chip runs. Raises UnknownShape."""
    net = _without(_net(model), host)
    nodes = [node for node in net.nodes if node.op_type in READERS and node.output[0] not in net.constant]
    return {node.output[0]: READERS[node.op_type](net, node) for node in nodes}


def _contractions(net: Net) -> Iterator[Contraction]:
    for node in net.nodes:
        if node.op_type in READERS and node.output[0] not in net.constant:
            yield READERS[node.op_type](net, node)


def _conv(net: Net, node: onnx.NodeProto) -> Contraction:
    oc, depth, *kernel = net.shape(node.input[1])
    n, _, *pixels = net.shape(node.output[0])
    group = _attribute(node, "group", 1)
    if group > 1 and depth == 1:
        # Each channel by itself, `oc / group` filters on it: the element units take any number of channels.
        return Contraction(n, oc, prod(pixels), 1, prod(kernel), True, *_weight(net, node.input[1], oc))
    sizes = n * group, oc // group, prod(pixels), depth, prod(kernel)
    return Contraction(*sizes, False, *_weight(net, node.input[1], oc))


def _transposed(net: Net, node: onnx.NodeProto) -> Contraction:
    ic, outputs, *kernel = net.shape(node.input[1])
    n, _, *pixels = net.shape(node.input[0])
    group = _attribute(node, "group", 1)
    sizes = n * group, outputs, prod(pixels), ic // group, prod(kernel)
    return Contraction(*sizes, False, *_weight(net, node.input[1], outputs * group))


def _gemm(net: Net, node: onnx.NodeProto) -> Contraction:
    rows, columns = net.shape(node.output[0])
    depth = net.shape(node.input[0])[0 if _attribute(node, "transA", 0) else 1]
    return Contraction(1, columns, rows, depth, 1, False, *_weight(net, node.input[1], columns))


def _matmul(net: Net, node: onnx.NodeProto) -> Contraction:
    left, right = net.shape(node.input[0]), net.shape(node.input[1])
    columns = right[-1] if len(right) > 1 else 1
    results = prod(net.shape(node.output[0]))
    # A right operand without a batch serves all rows of the left one together.
    batch = prod(net.shape(node.output[0])[:-2]) if len(right) > 2 and prod(right[:-2]) > 1 else 1
    sizes = batch, columns, results // (batch * columns), left[-1], 1
    return Contraction(*sizes, False, *_weight(net, node.input[1], columns))


READERS = {"Conv": _conv, "ConvTranspose": _transposed, "Gemm": _gemm, "MatMul": _matmul}
"""What of each ONNX op the chip's arrays must do."""


def _weight(net: Net, name: str, outputs: int) -> tuple[str, int, int]:
    """Name, elements and output channels of a constant operand; nothing of one that is computed."""
    return (name, prod(net.shape(name)), outputs) if name in net.constant else ("", 0, 0)


def _net(model: onnx.ModelProto) -> Net:
    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    shapes: dict[str, Shape] = {}
    types: dict[str, int] = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        types[value.name] = tensor.elem_type
        if tensor.HasField("shape") and all(dim.HasField("dim_value") for dim in tensor.shape.dim):
            shapes[value.name] = tuple(dim.dim_value for dim in tensor.shape.dim)
    for tensor in graph.initializer:
        shapes[tensor.name], types[tensor.name] = tuple(tensor.dims), tensor.data_type
    return Net(graph, shapes, types, _constants(graph))


def _without(net: Net, host: Sequence[Aside]) -> Net:
    """The net without the nodes between the tensors that an op of the host makes and those it reads."""
    makers = {name: node for node in net.graph.node for name in node.output if name}
    aside = set[str]()
    for op in host:
        pending = [node for node in net.graph.node if any(_tells_of(told, node) for told in op.outputs)]
        while pending:
            node = pending.pop()
            aside.update(filter(None, node.output))
            behind = (makers[name] for name in node.input if name in makers and name not in aside | net.constant)
            pending += [maker for maker in behind if not any(_tells_of(told, maker) for told in op.inputs)]
    return replace(net, aside=frozenset(aside))


def _tells_of(tensor: str, node: onnx.NodeProto) -> bool:
    """Whether a tensor is one of a node's outputs, or a step on the way there."""
    names = [f"{name}_{node.op_type}" for name in node.output if name]
    return any(tensor == name or tensor.startswith(f"{name}_") for name in names)


def _constants(graph: onnx.GraphProto) -> frozenset[str]:
    """Initializers, and what nodes make of constants alone; a subgraph may read anything, so its node makes none."""
    known = {tensor.name for tensor in graph.initializer} | {""}
    for node in graph.node:
        if all(name in known for name in node.input) and not any(a.HasField("g") for a in node.attribute):
            known.update(node.output)
    return frozenset(known)


def _attribute(node: onnx.NodeProto, name: str, default: int) -> int:
    found: Any = next((a.i for a in node.attribute if a.name == name), default)
    return int(found)


def _depth(chip: Chip, size: int) -> int:
    """Input channels that the cube multiplies a cycle."""
    return chip.cube_ic if size == 1 else chip.cube_ic // 2


def _up(n: int, d: int) -> int:
    return -(-n // d)
