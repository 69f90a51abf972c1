"""What the processor offers the kernels, and which of it they use."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

VARIABLE = "TPUFLOW_KERNELS"
"""Names the level to use in place of the highest."""


@dataclass(frozen=True)
class Level:
    """
    A set of instructions, and the tiles of the products that fit its registers.

    `needs` are flags as Linux names them, `target` what LLVM calls such a processor (none: the one that it finds).
    `lanes` is f32 or int32 numbers to a register; a tile is `rows` by `vectors` registers. `group` bytes that follow
    each other along k are multiplied in one step of an int8 product.
    """

    name: str
    needs: frozenset[str]
    target: str
    lanes: int
    float_tile: tuple[int, int]
    whole_tile: tuple[int, int]
    group: int


LEVELS: Mapping[str, Level] = {
    level.name: level
    for level in (
        Level("avx512", frozenset({"avx512f", "avx512bw", "avx512vl", "avx512_vnni"}), "", 16, (6, 3), (6, 4), 4),
        Level("avx2", frozenset({"avx2"}), "haswell", 8, (4, 3), (6, 2), 2),
        Level("plain", frozenset(), "x86-64", 4, (4, 2), (4, 2), 1),
    )
}
"""The highest first. All make the same bits."""


class NoSuchLevel(RuntimeError):
    """$TPUFLOW_KERNELS names no level, or one that this processor lacks; the message says which there are."""


@cache
def level() -> Level:
    """The level in use in this process. Raises NoSuchLevel."""
    wanted, there = os.environ.get(VARIABLE), available()
    if not wanted:
        return there[0]
    if wanted not in (names := [each.name for each in there]):
        raise NoSuchLevel(f"{VARIABLE}={wanted}: this processor has {', '.join(names)}")
    return LEVELS[wanted]


@cache
def available() -> Sequence[Level]:
    """The levels that this processor has, the highest first."""
    flags = set(_told("flags").split())
    return [each for each in LEVELS.values() if each.needs <= flags]


@cache
def identity() -> str:
    """What tells this processor from others whose machine code may differ."""
    return f"{_told('model name')} {_told('flags')}"


def _told(key: str) -> str:
    """What Linux says of the first processor; nothing elsewhere."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return ""
    with path.open() as file:
        for line in file:
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    return ""
