"""What a pass is, and what its patterns share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import GreedyRewritePatternApplier, PatternRewriter, PatternRewriteWalker, RewritePattern
from xdsl.utils.arg_spec import ArgSpecConvertible

from compiler.dialects.structure import WeightOp
from compiler.dialects.top import ops as top
from compiler.ir.network import Array, Network, name_of, named
from compiler.ir.storage import element_of


class PassError(Exception):
    """A pass can't do its work; the message names the op by its tensor, and the mend."""


@dataclass(frozen=True)
class NetworkPass(ArgSpecConvertible, ABC):
    """A rewrite of a network in place. Its fields are the arguments that a pipeline may give: `name{field=1}`."""

    @abstractmethod
    def rewrite(self, network: Network) -> None:
        """Do the work. The network verifies before and after. Raises PassError."""


@dataclass
class NetworkPattern(RewritePattern, ABC):
    """A rewrite of one op, with the weights at hand."""

    network: Network

    def constant(self, value: SSAValue) -> Array | None:
        """The array behind a `top.Weight`; None for a value that isn't one, or whose array isn't at hand."""
        return self.network.weights.get(name_of(value)) if isinstance(value.owner, WeightOp) else None

    def add_weight(self, rewriter: PatternRewriter, name: str, array: Array) -> SSAValue:
        """
        A new weight before the op at hand, called `name` or, where that is taken, `name_1` …

        Bools and integers stay what they are, floats become float32.
        """
        free, count = name, 0
        while free in self.network.weights:
            count += 1
            free = f"{name}_{count}"
        held = np.ascontiguousarray(array if array.dtype.kind in "biu" else array.astype(np.float32))
        self.network.weights[free] = held.reshape(array.shape)
        kind = TensorType(element_of(held.dtype), array.shape)
        return rewriter.insert(named(WeightOp(result_types=[kind]), free)).output


def apply(network: Network, *patterns: RewritePattern) -> None:
    """Rewrite with these patterns until none matches."""
    PatternRewriteWalker(GreedyRewritePatternApplier(list(patterns))).rewrite_module(network.module)


def only_producer(value: SSAValue) -> Operation | None:
    """The op that makes a value that one op reads once; None where others read it too, or it is an argument."""
    return value.owner if isinstance(value.owner, Operation) and value.has_one_use() else None


def replace(rewriter: PatternRewriter, op: top.TopOp, new: top.TopOp) -> None:
    """Put `new` in the place of `op`, under its name."""
    new.location = op.location
    rewriter.replace(op, new)
