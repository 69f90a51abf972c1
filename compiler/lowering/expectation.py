"""
The mean of numbers weighed by a softmax: `Σ (softmax(x) · numbers)` along its axis, as boxes are told by distributions.

The sum is divided instead of each share: what is divided has one element where the shares have the whole axis.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, StringAttr, TensorType, f32
from xdsl.ir import Operation

from compiler.dialects.fields import numbers
from compiler.dialects.formula import Operand
from compiler.dialects.structure import WeightOp
from compiler.dialects.top.elementwise import MulOp
from compiler.dialects.top.normalisation import SoftmaxOp
from compiler.dialects.top.pooling import ReduceOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import CastOp
from compiler.ir.network import Array, Network, Shape, name_of, shape
from compiler.lowering.floating import formula_op
from compiler.lowering.job import Job
from compiler.lowering.softmax import powers_of
from compiler.passes.network_pass import only_producer


@dataclass(frozen=True)
class Expectation:
    """A softmax, the product with constants of its axis, and the sum; `weights` (axis)."""

    softmax: SoftmaxOp
    product: MulOp
    sum: ReduceOp
    weights: Array

    @property
    def ops(self) -> tuple[Operation, ...]:
        """In order."""
        return self.softmax, self.product, self.sum


def expectations_of(network: Network, scales: Collection[str], apart: Collection[str]) -> dict[Operation, Expectation]:
    """
    Every one of a network whose sum is to be quantised, by its last op.

    `scales` names the tensors that have a quantised type, `apart` the ops that have formats of their own.
    """
    found = (each for op in network.ops if isinstance(op, ReduceOp) for each in _expectation(op, network))
    fitting = (each for each in found if name_of(each.sum) in scales)
    return {each.sum: each for each in fitting if not any(name_of(op) in apart for op in each.ops)}


def _expectation(op: ReduceOp, network: Network) -> Iterator[Expectation]:
    product = only_producer(op.input)
    if op.mode.data != "ReduceSum" or not isinstance(product, MulOp) or product.do_relu or len(product.inputs) != 2:
        return
    for value, other in (product.inputs, reversed(product.inputs)):
        softmax = only_producer(value)
        if not isinstance(softmax, SoftmaxOp) or softmax.log or not isinstance(other.owner, WeightOp):
            continue
        axis, dims = softmax.axis.value.data, shape(softmax.output)
        array = network.weights[name_of(other)]
        along = (*(1,) * (len(dims) - array.ndim), *array.shape)
        if numbers(op.axes) == (axis,) and along == _alone(dims, axis) and shape(product.output) == dims:
            yield Expectation(softmax, product, op, array.reshape(-1))


def _alone(dims: Shape, axis: int) -> Shape:
    return tuple(n if i == axis else 1 for i, n in enumerate(dims))


def expectation(found: Expectation, job: Job) -> TpuOp:
    """The op whose result takes the place of the sum's, in f32 until it is stored."""
    powers = powers_of(found.softmax, job)
    kind = TensorType(f32, shape(powers.grown))
    weights = job.weight("numbers", found.weights.astype(np.float32).reshape(1, 1, -1, 1), f32)
    weighed = job.insert(formula_op(Operand(0) * Operand(1), [powers.grown, weights], kind), "weighed")
    sums = [powers.total(value, suffix, job) for value, suffix in ((powers.grown, "total"), (weighed, "sum"))]
    mean = job.insert(formula_op(Operand(1) / Operand(0), sums, TensorType(f32, shape(sums[0]))), "mean")
    made = CastOp(operands=[mean], result_types=[TensorType(job.scales[job.name], shape(mean))])
    made.folds = ArrayAttr([StringAttr(name_of(op)) for op in (found.softmax, found.product)])
    return job.viewed(made, shape(found.sum.output), "stored")
