"""
Tensors of any rank on a chip that has four axes: neighbouring axes are merged, and the op done in the merged frame.

Each function makes the last op of what it says, not yet in the network: the caller names it, or gives it to
`Job.insert`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import SSAValue

from compiler.dialects.fields import integer, ints
from compiler.dialects.quant import UniformType
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import ConcatOp, ExpandOp, GatherOp, PermuteOp, ReshapeOp, SliceOp
from compiler.ir.axis_types import reshaped
from compiler.ir.network import Array, Shape, shape, tensor
from compiler.lowering.integers import I32
from compiler.lowering.job import Job

FRAME = 4
"""Axes that the chip addresses."""


def typed(x: SSAValue, extents: Sequence[int]) -> TensorType:
    """
    The element type of `x` with other extents.

    Of one by axis it is that of the stored integers: whoever moves such a tensor gives the result the type it has.
    """
    element = tensor(x).element_type
    if isinstance(element, UniformType) and element.is_per_axis:
        element = UniformType.per_tensor(1.0, storage=element.storage)
    return TensorType(element, extents)


def view(x: SSAValue, extents: Shape) -> TpuOp:
    """The same values under other extents."""
    element = reshaped(tensor(x).element_type, shape(x), extents)
    return ReshapeOp(operands=[x], result_types=[TensorType(element, extents)])


def permuted(x: SSAValue, order: Sequence[int], job: Job) -> TpuOp:
    """
    Axis i of the result is axis `order[i]` of `x`; blocks of axes change places until few enough are left.

    Two blocks are a matrix turned over, whose columns are fetched whole: no lane is in the way.
    """
    dims = shape(x)
    made = tuple(dims[axis] for axis in order)
    blocks = _blocks([axis for axis in order if dims[axis] != 1])
    if len(blocks) < 2:
        return view(x, made)
    while len(blocks) > FRAME:
        x, blocks = _first_in_place(x, dims, blocks, job)
        dims = shape(x)
    if len(blocks) > 2 and len(order) <= FRAME:
        return PermuteOp(operands=[x], result_types=[typed(x, made)], attributes={"order": ints(*order)})
    in_order = sorted(blocks)
    merged = tuple(prod(dims[axis] for axis in block) for block in in_order)
    turn = [in_order.index(block) for block in blocks]
    x = job.reshape(x, merged, "blocks")
    result = typed(x, [merged[i] for i in turn])
    return job.viewed(PermuteOp(operands=[x], result_types=[result], attributes={"order": ints(*turn)}), made, "turned")


def _blocks(order: Sequence[int]) -> list[tuple[int, ...]]:
    """Axes that follow each other in the operand and in the result."""
    blocks = list[tuple[int, ...]]()
    kept = sorted(order)
    for axis in order:
        follows = blocks and kept.index(axis) == kept.index(blocks[-1][-1]) + 1
        if follows:
            blocks[-1] = (*blocks[-1], axis)
        else:
            blocks.append((axis,))
    return blocks


def _first_in_place(
    x: SSAValue, dims: Shape, blocks: list[tuple[int, ...]], job: Job
) -> tuple[SSAValue, list[tuple[int, ...]]]:
    """`x` with the first block that isn't where it belongs brought there, and the blocks by its new axes."""
    kept = sorted(axis for block in blocks for axis in block)
    done = 0
    wanted = [axis for block in blocks for axis in block]
    while wanted[done] == kept[done]:
        done += 1
    moved = next(block for block in blocks if wanted[done] in block)
    passed = [axis for axis in kept[done:] if axis < moved[0]]
    rest = [axis for axis in kept[done:] if axis > moved[-1]]
    parts = (kept[:done], passed, list(moved), rest)
    extents = tuple(prod(dims[axis] for axis in part) for part in parts)
    x = job.reshape(x, extents, "blocks")
    turned = typed(x, [extents[i] for i in (0, 2, 1, 3)])
    x = job.insert(PermuteOp(operands=[x], result_types=[turned], attributes={"order": ints(0, 2, 1, 3)}), "moved")
    axes = [*kept[:done], *moved, *passed, *rest]
    x = job.reshape(x, tuple(dims[axis] for axis in axes), "axes")
    return x, _blocks([axes.index(axis) for axis in wanted])


def joined(parts: Sequence[SSAValue], axis: int, job: Job) -> TpuOp:
    """The tensors end to end on an axis."""
    dims = shape(parts[0])
    extents = (*dims[:axis], sum(shape(part)[axis] for part in parts), *dims[axis + 1 :])
    if len(dims) <= FRAME:
        attributes = {"axis": integer(axis)}
        return ConcatOp(operands=[parts], result_types=[typed(parts[0], extents)], attributes=attributes)
    outer, inner = prod(dims[:axis]), prod(dims[axis + 1 :])
    rows = [job.reshape(part, (outer, shape(part)[axis] * inner), f"rows{i}") for i, part in enumerate(parts)]
    made = typed(rows[0], [outer, extents[axis] * inner])
    return job.viewed(
        ConcatOp(operands=[rows], result_types=[made], attributes={"axis": integer(1)}), extents, "joined"
    )


def sliced(x: SSAValue, taken: Sequence[range], job: Job) -> TpuOp:
    """The indices `taken` of each axis; those that go backwards are picked one by one."""
    backwards = [axis for axis, indices in enumerate(taken) if indices.step < 0 and len(indices) > 1]
    upward = [indices[::-1] if axis in backwards else indices for axis, indices in enumerate(taken)]
    op = _sliced(x, [range(r.start, r.start + max(len(r), 1), 1) if len(r) < 2 else r for r in upward], job)
    for axis in backwards:
        made = job.insert(op, f"forwards{axis}")
        op = picked(made, np.arange(shape(made)[axis])[::-1], axis, job)
    return op


def _sliced(x: SSAValue, taken: Sequence[range], job: Job) -> TpuOp:
    """The same where all go upwards: whole axes join their neighbours, then the others are cut, four at a time."""
    dims, made = shape(x), tuple(map(len, taken))
    merged, cuts = list[int](), list[range]()
    for extent, indices in zip(dims, taken, strict=True):
        whole = len(indices) == extent
        if merged and whole and cuts[-1].step == 1:
            merged[-1] *= extent
            cuts[-1] = range(cuts[-1].start * extent, cuts[-1].stop * extent)
        else:
            merged.append(extent)
            cuts.append(indices)
    if len(dims) <= FRAME:
        merged, cuts = list(dims), list(taken)
    while len(merged) > FRAME:
        last = max(i for i, (extent, indices) in enumerate(zip(merged, cuts, strict=True)) if len(indices) != extent)
        rows = job.reshape(x, (prod(merged[:last]), merged[last], prod(merged[last + 1 :])), f"rows{last}")
        x = job.insert(_cut(rows, [range(shape(rows)[0]), cuts[last], range(shape(rows)[2])]), f"cut{last}")
        inner = len(cuts[last]) * prod(merged[last + 1 :])
        merged, cuts = [*merged[:last], inner], [*cuts[:last], range(inner)]
        if cuts[last - 1].step == 1:
            extent = merged.pop()
            cuts.pop()
            merged[-1] *= extent
            cuts[-1] = range(cuts[-1].start * extent, cuts[-1].stop * extent)
    return job.viewed(_cut(job.reshape(x, tuple(merged), "rows"), cuts), made, "cut")


def _cut(x: SSAValue, taken: Sequence[range]) -> TpuOp:
    if all(len(indices) == extent for indices, extent in zip(taken, shape(x), strict=True)):
        return view(x, shape(x))
    attributes = {"offset": ints(*(r.start for r in taken)), "steps": ints(*(r.step for r in taken))}
    return SliceOp(operands=[x], result_types=[typed(x, [len(r) for r in taken])], attributes=attributes)


def picked(x: SSAValue, indices: Array, axis: int, job: Job) -> TpuOp:
    """Row `indices[i]` of an axis as row i; the indices (n) are known, and within 0 … rows - 1."""
    dims = shape(x)
    steps = np.unique(np.diff(indices))
    if len(indices) == 1 or (len(steps) == 1 and steps[0] > 0):
        step = int(steps[0]) if len(steps) else 1
        run = range(int(indices[0]), int(indices[-1]) + 1, step)
        return sliced(x, [run if i == axis else range(extent) for i, extent in enumerate(dims)], job)
    told = job.weight(f"rows{axis}", indices.reshape(1, -1, 1), I32)
    return gathered(x, told, axis, (*dims[:axis], len(indices), *dims[axis + 1 :]), job)


def gathered(x: SSAValue, index: SSAValue, axis: int, made: Shape, job: Job) -> TpuOp:
    """Rows of an axis by an index (1, n, 1), as a tensor of extents `made`."""
    dims = shape(x)
    extents = (prod(dims[:axis]), dims[axis], prod(dims[axis + 1 :]))
    x = job.reshape(x, extents, "table")
    result = typed(x, [extents[0], shape(index)[1], extents[2]])
    op = GatherOp(operands=[x, index], result_types=[result], attributes={"axis": integer(1)})
    return job.viewed(op, made, "gathered")


def expanded(x: SSAValue, extents: Shape, job: Job) -> TpuOp:
    """`x` repeated to other extents; axes missing in front are ones."""
    aligned = (*(1,) * (len(extents) - len(shape(x))), *shape(x))
    (dims, full) = merged_alike([aligned, extents])
    x = job.reshape(x, dims, "aligned")
    if dims == full:
        return view(x, extents)
    while len(full) > FRAME:
        axis = max(i for i, (n, m) in enumerate(zip(dims, full, strict=True)) if n != m)
        rows = job.reshape(x, (prod(dims[:axis]), 1, prod(dims[axis + 1 :])), f"rows{axis}")
        wide = typed(rows, [shape(rows)[0], full[axis], shape(rows)[2]])
        x = job.insert(ExpandOp(operands=[rows], result_types=[wide]), f"axis{axis}")
        dims, full = merged_alike([(*dims[:axis], *full[axis:]), full])
        x = job.reshape(x, dims, f"axes{axis}")
    return job.viewed(ExpandOp(operands=[x], result_types=[typed(x, full)]), extents, "expanded")


def merged_alike(shapes: Sequence[Shape]) -> list[Shape]:
    """
    Tensors of one rank that broadcast, by fewer axes: neighbours that each has both of, or neither, become one.

    At least one axis is left.
    """
    made: list[list[int]] = [[] for _ in shapes]
    kinds = list[tuple[bool, ...]]()
    for extents in zip(*shapes, strict=True):
        most = max(extents)
        kind = tuple(extent == most for extent in extents)
        if most == 1:
            continue
        if kinds and kinds[-1] == kind:
            for held, extent in zip(made, extents, strict=True):
                held[-1] *= extent
        else:
            kinds.append(kind)
            for held, extent in zip(made, extents, strict=True):
                held.append(extent)
    return [tuple(held) or (1,) for held in made]


def together(operands: Sequence[SSAValue], made: Shape, job: Job) -> tuple[list[SSAValue], Shape]:
    """
    Operands of an elementwise op of result `made` with axes that the chip has, and the result's extents there.

    The operands have the rank of `made`; where it is four or less they stay as they are. Some may be expanded.
    """
    if len(made) <= FRAME:
        return list(operands), made
    shapes = [shape(value) for value in operands]
    *dims, full = merged_alike([*shapes, made])
    while len(full) > FRAME:
        broadcast = next(i for i, extents in enumerate(dims) if extents != full)
        wide = job.insert(expanded(operands[broadcast], made, job), f"wide{broadcast}")
        operands = [wide if i == broadcast else value for i, value in enumerate(operands)]
        *dims, full = merged_alike([*map(shape, operands), made])
    return [
        job.reshape(value, extents, f"x{i}") for i, (value, extents) in enumerate(zip(operands, dims, strict=True))
    ], full
