"""An engine with one wrong step in it is told apart: what the comparison proves, and what the runner then says."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator.arithmetic import casts, floating, functions, indexing, integer, pooling, requantise, resampling, rice
from simulator.isa.record import Operand
from simulator.memory import Memory, Place
from tests.simulator.oracle.__main__ import main
from tests.simulator.oracle.comparison import drawn
from tests.simulator.oracle.drawing.table import KINDS

Array = NDArray[Any]
Patch = pytest.MonkeyPatch


def half_to_even(patch: Patch) -> None:
    """Requantising rounds halves to even, not up."""

    def wrong(
        acc: Array, bias: Array, multiplier: Array, shift: Array, zero: int, low: int, high: int, made: Array
    ) -> None:
        for o, c, i in np.ndindex(acc.shape):
            value, s = int((acc[o, c, i : i + 1] + bias[c])[0]) * int(multiplier[c]), int(shift[c])
            rest, value = value & ((1 << s) - 1), value >> s
            value += rest > (1 << s) >> 1 or (s > 0 and rest == 1 << (s - 1) and value % 2 == 1)
            made[o, c, i] = min(max(value + zero, low), high) & 255

    patch.setattr(requantise, "_requantise", wrong)


def rounded_twice(patch: Patch) -> None:
    """RESCALE_ADD shifts each product by itself."""

    def wrong(
        a: Array, b: Array, za: int, zb: int, ma: int, mb: int, shift: int, zy: int, low: int, high: int, made: Array
    ) -> None:
        half = (1 << shift) >> 1
        for i in range(made.size):
            value = ((int(a[i]) - za) * ma + half >> shift) + ((int(b[i]) - zb) * mb + half >> shift) + zy
            made[i] = min(max(value, low), high) & 255

    patch.setattr(requantise, "_add", wrong)


def cut_bf16(patch: Patch) -> None:
    """f32 to bf16 drops the low bits."""

    def wrong(bits: Array, made: Array) -> None:
        made[:] = bits >> np.uint32(16)

    patch.setattr(casts, "_to_bf16", wrong)


def sums_in_f64(patch: Patch) -> None:
    """Float sums are of f64 and rounded once."""

    def wrong(a: Array, b: Array, *, start: Array) -> Array:
        return (casts.widen(a).astype(np.float64) @ casts.widen(b) + start).astype(np.float32)

    patch.setattr(floating, "products", wrong)


def zero_taps(patch: Patch) -> None:
    """A padded tap adds weight · 0, and nothing is repaired."""

    def wrong(*given: Any) -> None:
        pass

    patch.setattr(floating, "_again", wrong)


def weights_shifted(patch: Patch) -> None:
    """The zero point of the weights is -1."""
    original = integer.product

    def wrong(w: Array, x: Array, zero: int) -> Array:
        return original(w, x, zero) + (x.astype(np.int32) - zero).sum(0, dtype=np.int32)

    patch.setattr(integer, "product", wrong)


def zeros_alike(patch: Patch) -> None:
    """The maximum of -0 and +0 is whichever comes last."""

    def wrong(a: Array, b: Array) -> Array:
        return np.where(a > b, a, b)

    patch.setitem(cast("dict[str, Any]", functions.FUNCTIONS), "max", wrong)


def other_polynomial(patch: Patch) -> None:
    """The exponential is numpy's own, which is as near to the true one."""
    patch.setitem(cast("dict[str, Any]", functions.FUNCTIONS), "exp", np.exp)


def padding_in_averages(patch: Patch) -> None:
    """Averages always count padding."""
    original: Any = pooling.__dict__["_counts"]

    def wrong(window: Any, extents: Any, made: Any, count_pad: bool) -> Any:
        return original(window, extents, made, True)

    patch.setattr(pooling, "_counts", wrong)


def from_the_end(patch: Patch) -> None:
    """GATHER takes the last row for an index beyond the end."""

    def wrong(x: Array, index: Array, axis: int) -> Array:
        length = x.shape[axis]
        return np.take_along_axis(x, np.clip(np.where(index < 0, index + length, index), 0, length - 1), axis)

    patch.setattr(indexing, "gather", wrong)


def zero_weights_count(patch: Patch) -> None:
    """RESAMPLE multiplies by weights of 0 too."""

    def wrong(x: Array, starts: Array, weights: Array, made: Array) -> None:
        for p, o, t in np.ndindex(*made.shape[:2], weights.shape[1]):
            made[p, o] += weights[o, t] * x[p, min(max(starts[o] + t, 0), x.shape[1] - 1)]

    patch.setattr(resampling, "_sum", wrong)


def unsigned_bytes(patch: Patch) -> None:
    """UNPACK loses the sign."""
    original = rice.unpacked

    def wrong(stream: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
        return original(stream, count) & np.uint8(127)

    patch.setattr(rice, "unpacked", wrong)


def one_byte_elsewhere(patch: Patch) -> None:
    """Every result is right, and the last byte of the memory it lies in changes."""
    original = Place.scatter

    def wrong(self: Place, values: Array) -> None:
        original(self, values)
        np.asarray(self.blocks[0].base).reshape(-1)[-1] += 1

    patch.setattr(Place, "scatter", wrong)


def table_of_first_lane(patch: Patch) -> None:
    """All lanes look things up in lane 0."""
    original = Memory.in_each_lane

    def wrong(self: Memory, operand: Operand) -> Array:
        return np.repeat(original(self, operand)[:1], self.chip.lanes, 0)

    patch.setattr(Memory, "in_each_lane", wrong)


WRONG: dict[Callable[[Patch], None], str] = {
    half_to_even: "CONV", rounded_twice: "RESCALE_ADD", cut_bf16: "CAST", sums_in_f64: "BMATMUL", zero_taps: "CONV",
    weights_shifted: "MATMUL", zeros_alike: "ARITH max", other_polynomial: "ARITH exp", padding_in_averages: "POOL",
    from_the_end: "GATHER", zero_weights_count: "RESAMPLE", unsigned_bytes: "UNPACK", table_of_first_lane: "LUT",
    one_byte_elsewhere: "SELECT",
}  # fmt: skip
"""Each wrong engine, and an op, or a function of one, that shows it."""


@pytest.mark.parametrize("wrong", list(WRONG), ids=lambda wrong: wrong.__name__)
def test_a_wrong_step_is_seen(wrong: Callable[[Patch], None], monkeypatch: Patch) -> None:
    random = Random(3)
    op = WRONG[wrong].split()[0]
    drawn_kinds = random.choices([kind for kind in KINDS if str(kind).startswith(WRONG[wrong])], k=150)
    wrong(monkeypatch)
    with np.errstate(all="ignore"):
        found = drawn(random, drawn_kinds).mismatches
    assert found
    assert {mismatch.command.op for mismatch in found} <= {op, "LOAD"}


def test_the_runner_fails_and_names_command_and_bytes(monkeypatch: Patch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--commands", "30", "--op", "RESCALE_ADD"]) == 0
    assert "commands, 0 mismatching bytes" in capsys.readouterr().out
    rounded_twice(monkeypatch)
    assert main(["--commands", "30", "--op", "RESCALE_ADD"]) == 1
    told = capsys.readouterr().out
    assert "RESCALE_ADD out:" in told
    assert "lane 0 byte" in told
