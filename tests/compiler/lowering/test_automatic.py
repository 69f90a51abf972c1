"""Method `auto` over what lowering stores."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.dialects.fields import ints
from compiler.dialects.top import ops as top
from compiler.ir.network import Network
from compiler.lowering.automatic import automatic
from compiler.quantization.channels import Channels
from compiler.quantization.table import Entry
from tests.compiler.lowering.networks import Builder, reference

RNG = np.random.default_rng(5)
SAMPLES = [{"x": RNG.normal(0, 1, (1, 4, 8, 8)).astype(np.float32)} for _ in range(8)]


def network() -> Network:
    """A table between two convolutions: t0, what it makes of it t1, the result t2."""
    rng, b = np.random.default_rng(4), Builder()
    first, last = b.weight(rng.normal(0, 0.5, (8, 4, 1, 1))), b.weight(rng.normal(0, 0.5, (4, 8, 1, 1)))
    x = b.op(top.ConvOp, b.input("x", 1, 4, 8, 8), first, b.none(), kernel_shape=ints(1, 1))
    return b.network(b.op(top.ConvOp, b.op(top.SiLUOp, x), last, b.none(), kernel_shape=ints(1, 1)))


@pytest.mark.parametrize("by_channel", [True, False])
def test_a_tensor_with_scales_by_channel_is_no_matter_of_ranges(by_channel: bool) -> None:
    """The usual method has ranges around the table that are far too wide, which counts where they are used."""
    tensors, seen = [reference(network(), fed) for fed in SAMPLES], dict[tuple[str, int], Channels]()
    for name in ("t0", "t1") if by_channel else ():
        seen[name, 1] = Channels.empty(8)
        for each in tensors:
            seen[name, 1].add(each[name], 1)
    spans = {name: (min(e[name].min() for e in tensors), max(e[name].max() for e in tensors)) for name in tensors[0]}
    fitting = {
        name: Entry.keeping(float(low), float(high), (float(low), float(high))) for name, (low, high) in spans.items()
    }
    wide = fitting | {name: fitting[name].reaching(-300.0, 300.0) for name in ("t0", "t1")}
    _, serves = automatic(network(), {"usual": wide, "other": fitting}, "int8", SAMPLES, tensors, seen)
    assert ("other" in serves) != by_channel
