"""Padding by itself, in every number format."""

from __future__ import annotations

from compiler.dialects.top.movement import PadOp
from compiler.dialects.tpu.base import TpuOp
from compiler.lowering.borders import cast, real
from compiler.lowering.floating import to_float
from compiler.lowering.int8 import to_int8
from compiler.lowering.job import Job
from compiler.lowering.surround import surrounded


@to_float.on(PadOp)
def pad(op: PadOp, job: Job) -> TpuOp:
    return surrounded(real(op.input, job), op.sides(), op.val.value.data, job)


@to_int8.on(PadOp)
def int8_pad(op: PadOp, job: Job) -> TpuOp | None:
    return surrounded(cast(op.input, job.scales[job.name], job), op.sides(), op.val.value.data, job)
