"""How long the compute engine takes for a slice of an op: a question that the scheduler asks of each family once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from xdsl.ir import Operation, SSAValue

from compiler.dialects.access import C, Follows
from compiler.dialects.fields import numbers
from compiler.dialects.formula import steps
from compiler.dialects.tpu.base import TpuOp, frame_of
from compiler.dialects.tpu.contraction import ConvOp, MatMulOp
from compiler.dialects.tpu.elementwise import CastOp, ElementwiseOp, LutOp, LutsOp, Rescale, RescaleAddOp
from compiler.dialects.tpu.movement import Movement, ReshapeOp
from compiler.dialects.tpu.pooling import PoolOp, ReduceOp
from compiler.dialects.tpu.product import BatchMatMulOp, HeadMatMulOp
from compiler.dialects.tpu.windows import DeconvOp, ResampleOp
from compiler.ir.interface import Interface
from compiler.ir.network import shape
from compiler.ir.storage import BF16, is_quantised, itemsize, storage
from compiler.schedule.fetching import copying_order
from simulator.chip import Chip
from simulator.isa.table import DType
from simulator.layout import up
from simulator.passes import PASSES
from simulator.timing import (
    TIU_SETUP,
    conv_work,
    copy_work,
    depthwise_work,
    matmul_work,
    resample_passes,
    vector_work,
)

Work = Callable[[int, int, int, int, int], int]
"""Cycles without bank conflicts of a slice: extents n, c, h, w of the result, and steps of the reduction."""

_DTYPES = {
    np.dtype(np.int8): DType.I8,
    np.dtype(np.uint8): DType.U8,
    np.dtype(np.float16): DType.F16,
    BF16: DType.BF16,
    np.dtype(np.float32): DType.F32,
}


@Interface
def work(op: Operation, chip: Chip) -> Work:
    """The cycles of each slice of `op` on the compute engine, as a function of the slice's extents."""
    raise NotImplementedError


@work.on(ConvOp)
def _conv(op: ConvOp, chip: Chip) -> Work:
    kh, kw = numbers(op.kernel_shape)
    kind = _DTYPES[storage(op.input)]
    if op.depthwise:
        return lambda n, c, h, w, k: TIU_SETUP + depthwise_work(chip, kind, n, c, h, w, kh, kw)
    return lambda n, c, h, w, k: TIU_SETUP + conv_work(chip, kind, n, c, h, w, k, kh, kw)


@work.on(MatMulOp)
def _matmul(op: MatMulOp, chip: Chip) -> Work:
    kind = _DTYPES[storage(op.input)]
    return lambda n, c, h, w, k: TIU_SETUP + matmul_work(chip, kind, n, c, k)


@work.on(BatchMatMulOp)
def _batch_matmul(op: BatchMatMulOp, chip: Chip) -> Work:
    kind = _DTYPES[storage(op.input)]
    return lambda n, c, h, w, k: TIU_SETUP + n * matmul_work(chip, kind, h, c, k)


@work.on(HeadMatMulOp)
def _head_matmul(op: HeadMatMulOp, chip: Chip) -> Work:
    kind = _DTYPES[storage(op.input)]
    return lambda n, c, h, w, k: n * (TIU_SETUP + h * matmul_work(chip, kind, w, c, k))


@work.on(DeconvOp)
def _deconv(op: DeconvOp, chip: Chip) -> Work:
    """Each phase as if it had as many of the results as any."""
    window, kind = op.window, _DTYPES[storage(op.input)]
    kernels = [(len(window.rows.phase(i)), len(window.columns.phase(j))) for i, j in window.phases()]

    def cycles(n: int, c: int, h: int, w: int, k: int) -> int:
        rows, columns = up(h, window.rows.stride), up(w, window.columns.stride)
        if op.depthwise:
            return sum(TIU_SETUP + depthwise_work(chip, kind, n, c, rows, columns, *kernel) for kernel in kernels)
        return sum(TIU_SETUP + conv_work(chip, kind, n, c, rows, columns, k, *kernel) for kernel in kernels)

    return cycles


@work.on(ResampleOp)
def _resample(op: ResampleOp, chip: Chip) -> Work:
    passes = resample_passes(op.function.data, op.taps, is_quantised(op.output))
    return _vector(chip, _widest(op.input, op.output), passes)


@work.on(PoolOp)
def _pool(op: PoolOp, chip: Chip) -> Work:
    kh, kw = numbers(op.kernel_shape)
    passes = kh * kw * PASSES["POOL"].count + _finish("POOL", op.function.data, op.input)
    return _vector(chip, _widest(op.input, op.output), passes)


@work.on(ReduceOp)
def _reduce(op: ReduceOp, chip: Chip) -> Work:
    size, axes = _widest(op.input, op.output), numbers(op.axes)
    finish = _finish("REDUCE", op.function.data, op.input)
    columns = shape(op.input)[3]

    def cycles(n: int, c: int, h: int, w: int, k: int) -> int:
        rows, across = (k, columns if 3 in axes else w) if 2 in axes else (h, k)
        read = vector_work(chip, size, n, c, rows, across, PASSES["REDUCE"].count)
        return TIU_SETUP + read + vector_work(chip, size, n, c, h, w, finish)

    return cycles


@work.on(ElementwiseOp)
def _elementwise(op: ElementwiseOp, chip: Chip) -> Work:
    program = steps(op.term)
    if not program:
        return _vector(chip, _widest(*op.inputs, op.output), PASSES["CAST"].count)
    size = 4 if len(program) > 1 else _widest(*op.inputs, op.output)
    names = ["SELECT" if step.function == "select" else step.function for step in program]
    each = [_vector(chip, size, PASSES[name].count) for name in names]
    return lambda n, c, h, w, k: sum(cycles(n, c, h, w, k) for cycles in each)


@work.on(LutOp)
def _lut(op: LutOp, chip: Chip) -> Work:
    return _vector(chip, 1, PASSES["LUT"].count)


@work.on(LutsOp)
def _luts(op: LutsOp, chip: Chip) -> Work:
    return _vector(chip, 1, PASSES["LUT which"].count)


@work.on(Rescale)
def _rescale(op: Rescale, chip: Chip) -> Work:
    return _vector(chip, 1, PASSES["RESCALE_ADD" if isinstance(op, RescaleAddOp) else "RESCALE_MUL"].count)


@work.on(CastOp)
def _cast(op: CastOp, chip: Chip) -> Work:
    kind = "CAST quantise" if is_quantised(op.output) else "CAST dequantise" if is_quantised(op.input) else "CAST"
    return _vector(chip, _widest(op.input, op.output), PASSES[kind].count)


@work.on(Movement, ReshapeOp)
def _nothing(op: Operation, chip: Chip) -> Work:
    return lambda n, c, h, w, k: 0


def copying(op: TpuOp, index: int, chip: Chip) -> Work:
    """The cycles of copying, from local memory, what a slice of the result takes from operand `index`."""
    value = op.operands[index]
    order = op.order() if isinstance(op, Movement) else (0, 1, 2, 3)
    have, whole, access = frame_of(value), frame_of(op.output), op.reads()[index]
    share = [have[axis] if isinstance(access[axis], Follows) else whole[i] for i, axis in enumerate(order)]
    lane = abs(entry.first) % chip.lanes if isinstance(entry := access[C], Follows) else 0
    size = itemsize(value)

    def cycles(n: int, c: int, h: int, w: int, k: int) -> int:
        made = (n, c, h, w)
        dims = [up(m * min(s, full), full) for m, s, full in zip(made, share, whole, strict=True)]
        n, c, h, w = (dims[axis] for axis in copying_order(dims, chip.eu_bytes // size))
        return TIU_SETUP + copy_work(chip, size, n, c, h, w, lane)

    return cycles


def _vector(chip: Chip, size: int, passes: int) -> Work:
    return lambda n, c, h, w, k: TIU_SETUP + vector_work(chip, size, n, c, h, w, passes)


def _widest(*values: SSAValue) -> int:
    return max(map(itemsize, values))


def _finish(kind: str, function: str, source: SSAValue) -> int:
    """Passes over the results of an average."""
    if function not in ("avg", "mean"):
        return 0
    return PASSES[f"{kind} {function} {'integer' if is_quantised(source) else 'float'}"].count
