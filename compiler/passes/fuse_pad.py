"""`fuse-pad`: a Pad of rows and columns becomes the padding of the window behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from compiler.dialects.fields import TRUE, ints
from compiler.dialects.top import ops as top
from compiler.ir.network import Network
from compiler.passes.network_pass import NetworkPass, apply


def _takes(window: top.Windowed, value: float) -> bool:
    """Whether the op's own padding is what a Pad with this value makes."""
    match window:
        case top.ConvOp():
            return value == 0.0
        case top.MaxPoolOp():
            return value == float("-inf")
        case top.AvgPoolOp():
            return value == 0.0 and (bool(window.count_include_pad) or not any(window.window.pads))
        case _:
            return False


class FusePad(RewritePattern):
    """The pads add up. No window of a pool may see padding alone, which ONNX forbids."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.Windowed, rewriter: PatternRewriter) -> None:
        pad = op.operands[0].owner
        if not isinstance(pad, top.PadOp) or pad.mode.data != "constant" or not _takes(op, pad.val.value.data):
            return
        if len(sides := pad.sides()) != 4 or any(map(any, sides[:2])):
            return
        (above, below), (before, after) = sides[2:]
        t, l, b, r = op.window.pads
        pads = (t + above, l + before, b + below, r + after)
        rows, columns = op.window.kernel
        if isinstance(op, top.Pool) and (max(pads[::2]) >= rows or max(pads[1::2]) >= columns):
            return
        op.pads = ints(*pads)
        if isinstance(op, top.AvgPoolOp):
            op.count_include_pad = TRUE
        op.operands[0] = pad.input
        rewriter.handle_operation_modification(op)


@dataclass(frozen=True)
class FusePadPass(NetworkPass):
    """Into Conv; into AvgPool, which then counts it; into MaxPool if it is of -inf."""

    name: ClassVar[str] = "fuse-pad"

    def rewrite(self, network: Network) -> None:
        apply(network, FusePad())
