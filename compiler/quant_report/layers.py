"""A row a tensor: what it is stored as, what that cuts off, how well it uses its steps, how noisy it came out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import Signedness
from xdsl.ir import Operation, SSAValue

from compiler.dialects.host import HostOp
from compiler.dialects.quant import UniformType
from compiler.dialects.top.base import TopOp, is_present
from compiler.ir.network import Network, name_of, tensor
from compiler.ir.storage import is_quantised, uniform
from compiler.quant_report.noise import Noise, bounds
from compiler.quant_report.spread import Spread
from compiler.quantization.table import Entry


@dataclass(frozen=True)
class Stored:
    """
    How a quantised tensor is stored, and how well that does.

    `step` has the least and the greatest scale, `count` how many there are; `low` and `high` are what the type holds,
    the widest channel's. `clipped` is the share of calibration's values other than zero that lie beyond (None where it
    saw none), `saturated` the share of this run's. `used` is the share of the type's steps between the least and the
    greatest stored value, `quietest` that of the living channel with the smallest span.
    """

    step: tuple[float, float]
    count: int
    zero_point: int
    low: float
    high: float
    clipped: float | None
    saturated: float
    used: float
    quietest: float


@dataclass(frozen=True)
class Layer:
    """
    One tensor of the lowered network that the float network has too.

    `type` is how it is stored: i8, u8, f32 … `entry` is calibration's threshold, least and greatest value. Of its
    `channels`, `dead` never moved. `local_db` and `total_db` are signal to noise, `error` the greatest difference.
    `operands` are the rows that its op reads, `why` says what keeps the op in float. What is `inner` is read by tables
    alone: its range serves what is behind them, where its errors count.
    """

    tensor: str
    op: str
    type: str
    stored: Stored | None
    entry: Entry | None
    channels: int
    dead: int
    local_db: float
    total_db: float
    error: float
    macs: int
    operands: tuple[str, ...]
    why: str
    inner: bool = False


def layers(
    top: Network,
    lowered: Network,
    noise: Mapping[str, Noise],
    entries: Mapping[str, Entry],
    spreads: Mapping[str, Spread],
    reasons: Mapping[str, str],
    inner: Collection[str] = (),
) -> list[Layer]:
    """The rows, in the order of `noise`; `top` is the network as it was before lowering, `reasons` go by tensor."""
    values = {name_of(value): value for op in lowered.ops for value in op.results}
    makers = {name_of(value): op for op in top.ops for value in op.results}
    judged = {name: found for name, found in noise.items() if name not in inner}
    return [
        Layer(
            name,
            _kind(makers.get(name)),
            type_word(values[name]),
            _stored(uniform(values[name]), found, spreads.get(name)) if is_quantised(values[name]) else None,
            entries.get(name),
            found.highs.size,
            int(np.count_nonzero(found.lows == found.highs)) if found.highs.size > 1 else 0,
            found.local_db,
            found.total_db,
            found.error,
            op.macs() if isinstance(op := makers.get(name), TopOp) else 0,
            operands_of(name, makers, judged),
            "" if is_quantised(values[name]) else reasons.get(name, ""),
            name in inner,
        )
        for name, found in noise.items()
    ]


def operands_of(name: str, makers: Mapping[str, Operation], known: Mapping[str, object]) -> tuple[str, ...]:
    """The tensors in `known` that the op reads; of one that isn't, those that this is made of."""
    found: dict[str, None] = {}
    todo = _reads(makers.get(name))
    while todo:
        operand = todo.pop(0)
        if operand in known:
            found[operand] = None
        else:
            todo = [*_reads(makers.get(operand)), *todo]
    return tuple(found)


def type_word(value: SSAValue) -> str:
    """How elements are stored: `i8`, `u8`, `f32` …"""
    if not is_quantised(value):
        return str(tensor(value).element_type)
    return "u8" if uniform(value).storage.signedness.data is Signedness.UNSIGNED else "i8"


def _reads(op: Operation | None) -> list[str]:
    return [] if op is None else [name_of(value) for value in op.operands if is_present(value)]


def _kind(op: Operation | None) -> str:
    if isinstance(op, HostOp):
        return op.kind.data
    return "" if op is None else op.name.rpartition(".")[2]


def _stored(element: UniformType, noise: Noise, spread: Spread | None) -> Stored:
    lows, highs = bounds(element)
    scales = [scale.data for scale in element.scales]
    levels = element.maximum.data - element.minimum.data
    spans = (noise.highs - noise.lows) / (np.array(scales) if len(scales) == noise.highs.size else max(scales))
    living = spans[spans > 0]
    half = max(scales) / 2
    return Stored(
        step=(min(scales), max(scales)),
        count=len(scales),
        zero_point=element.zero_points.data[0].data,
        low=float(lows.min()),
        high=float(highs.max()),
        clipped=None if spread is None else spread.beyond(float(lows.min()) - half, float(highs.max()) + half),
        saturated=noise.saturated / noise.elements,
        used=_reach(noise.codes, element) / levels,
        quietest=min(1.0, float(living.min()) / levels) if living.size else 0.0,
    )


def _reach(codes: NDArray[np.int64] | None, element: UniformType) -> int:
    """Steps between the least and the greatest stored value."""
    if codes is None or not codes.any():
        return 0
    used: Sequence[int] = np.flatnonzero(codes if element.minimum.data >= 0 else np.roll(codes, 128)).tolist()
    return used[-1] - used[0]
