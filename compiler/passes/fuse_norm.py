"""`fuse-norm`: the pieces that exporters cut a layer or RMS normalisation into become one op again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import FloatAttr, NoneType, f64
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from compiler.dialects.fields import numbers
from compiler.dialects.structure import NoneOp
from compiler.dialects.top import ops as top
from compiler.ir.network import Network, name_of, shape
from compiler.passes.network_pass import NetworkPass, NetworkPattern, apply, only_producer, replace


@dataclass(frozen=True)
class Mean:
    """`source` averaged over its axes from `axis` on, which stay as ones."""

    source: SSAValue
    axis: int


def _mean(value: SSAValue) -> Mean | None:
    """The mean over the last axes that a value is."""
    match value.owner:
        case top.ReduceOp() as op if op.mode.data == "ReduceMean" and op.keepdims:
            axes, rank = numbers(op.axes), len(shape(op.input))
            return Mean(op.input, axes[0]) if axes == tuple(range(axes[0], rank)) else None
        case _:
            return None


def _squared(value: SSAValue) -> SSAValue | None:
    """What a value is the square of."""
    match value.owner:
        case top.PowOp() as op if op.exponent.value.data == 2.0:
            return op.input
        case top.MulOp() as op if len(op.inputs) == 2 and op.inputs[0] == op.inputs[1] and not op.do_relu:
            return op.inputs[0]
        case _:
            return None


def _root(value: SSAValue) -> tuple[SSAValue, float] | None:
    """What a value is the root of, less the constant that was added to it; and the constant."""
    match value.owner:
        case top.SqrtOp() as op:
            inner = op.input
        case top.PowOp() as op if op.exponent.value.data == 0.5:
            inner = op.input
        case _:
            return None
    match inner.owner:
        case top.AddConstOp() as raised if not raised.do_relu:
            return raised.input, raised.constant
        case _:
            return None


def _quotient(op: top.TopOp) -> tuple[SSAValue, SSAValue] | None:
    """Dividend and divisor of a division, or of a product by an inverse."""
    match op:
        case top.DivOp(do_relu=relu) if len(op.inputs) == 2 and not relu:
            return op.inputs[0], op.inputs[1]
        case top.MulOp(do_relu=relu) if len(op.inputs) == 2 and not relu:
            for x, other in (op.inputs, reversed(op.inputs)):
                match other.owner:
                    case top.ReciprocalOp() as inverse if inverse.constant == 1.0 and not inverse.do_relu:
                        return x, inverse.input
                    case _:
                        pass
        case _:
            pass
    return None


class FuseNorm(RewritePattern):
    """`c ÷ √(mean of c² + eps)` is RMSNorm, and where c is `x - mean of x`, LayerNorm."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.TopOp, rewriter: PatternRewriter) -> None:
        if not (quotient := _quotient(op)) or not (root := _root(quotient[1])):
            return
        (dividend, _), (variance, eps) = quotient, root
        spread = _mean(variance)
        if not spread or (squared := _squared(spread.source)) is None or shape(dividend) != shape(op.output):
            return
        centred = _centred(dividend, spread.axis)
        if squared != dividend and (centred is None or _centred(squared, spread.axis) != centred):
            return
        attributes = {"axis": top.axis_attribute(spread.axis), "eps": FloatAttr(eps, f64)}
        none = rewriter.insert(NoneOp(result_types=[NoneType()])).output
        if centred is None:
            made = top.RMSNormOp(operands=[dividend, none], result_types=[op.output.type], attributes=attributes)
        else:
            made = top.LayerNormOp(operands=[centred, none, none], result_types=[op.output.type], attributes=attributes)
        replace(rewriter, op, made)


def _centred(value: SSAValue, axis: int) -> SSAValue | None:
    """x, where a value is x less its mean over the axes from `axis` on."""
    match value.owner:
        case top.SubOp() as op if len(op.inputs) == 2 and not op.do_relu:
            mean = _mean(op.inputs[1])
            return op.inputs[0] if mean == Mean(op.inputs[0], axis) else None
        case _:
            return None


@dataclass
class FuseFactor(NetworkPattern):
    """A product of a normalisation by a constant of its last axes is its weight, a sum then its bias."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.MulOp | top.AddOp, rewriter: PatternRewriter) -> None:
        if len(op.inputs) != 2 or op.do_relu:
            return
        for value, factor in (op.inputs, reversed(op.inputs)):
            norm, array = only_producer(value), self.constant(factor)
            if not isinstance(norm, top.LayerNormOp | top.RMSNormOp) or array is None:
                continue
            slot, dims = _slot(norm, op), shape(norm.input)[norm.axis.value.data :]
            if slot == 0 or shape(op.output) != shape(norm.output) or array.shape[-len(dims) :] != dims:
                continue
            if array.size != array[(0,) * (array.ndim - len(dims))].size:
                continue
            operands = list(norm.operands)
            operands[slot] = self.add_weight(rewriter, f"{name_of(op)}_factor", array.reshape(dims))
            made = type(norm)(operands=operands, result_types=[op.output.type], attributes=norm.attributes)
            replace(rewriter, op, made)
            rewriter.erase(norm)
            return


def _slot(norm: top.LayerNormOp | top.RMSNormOp, op: top.MulOp | top.AddOp) -> int:
    """The operand of `norm` that a factor becomes; 0 where there is none free."""
    if isinstance(op, top.MulOp):
        later = norm.bias if isinstance(norm, top.LayerNormOp) else None
        free = not top.is_present(norm.operands[1]) and (later is None or not top.is_present(later))
        return 1 if free else 0
    return 2 if isinstance(norm, top.LayerNormOp) and not top.is_present(norm.bias) else 0


@dataclass(frozen=True)
class FuseNormPass(NetworkPass):
    """Numbers must be attributes already (`constant-operands`)."""

    name: ClassVar[str] = "fuse-norm"

    def rewrite(self, network: Network) -> None:
        apply(network, FuseNorm(), FuseFactor(network))
