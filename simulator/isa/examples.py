"""The examples of `docs/isa.md`: programs of a few records, with what lies in memory before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from simulator.isa.table import SPECS, Engine

CHIP = "e8"
"""The preset that they run on."""


class Slot(NamedTuple):
    """An operand of the 1-based `record` of a core's engine."""

    core: int
    engine: Engine
    record: int
    operand: str


@dataclass(frozen=True)
class Example:
    """A program in text, the values (in row-major order) of operands before it runs, and of others after."""

    op: str
    title: str
    text: str
    given: Mapping[str, str]
    makes: Mapping[str, str]

    def program(self) -> Iterator[str]:
        """The lines of a whole program, as `simulator.assembly.read` takes them."""
        if self.text.startswith(".core"):
            yield from self.text.splitlines()
            return
        for engine, end in ((Engine.TIU, "END"), (Engine.GDMA, "DMA_END")):
            yield f".core 0 {engine.name}"
            yield from self.text.splitlines() if engine == SPECS[self.op].engine else ()
            yield end

    def slot(self, name: str) -> Slot:
        """The operand that a name of `given` or `makes` is: alone, one of the first record of the op's engine."""
        *where, operand = name.split()
        core, engine, record = where or (0, SPECS[self.op].engine.name, 1)
        return Slot(int(core), Engine[str(engine)], int(record), operand)


@cache
def examples() -> Mapping[str, Sequence[Example]]:
    """All examples by op."""
    held: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("examples.yaml").read_text(encoding="utf-8"))
    return {
        op: [
            Example(op, told["title"], told["text"], *(_texts(told.get(key, {})) for key in ("given", "makes")))
            for told in entries
        ]
        for op, entries in held.items()
    }


def values(text: str, dtype: np.dtype[Any]) -> np.ndarray[Any, np.dtype[Any]]:
    """The numbers of a text in a type: decimal, 0x… or 0b…, floats, and whole ranges a..b, either way."""
    found: list[float] = []
    for word in text.split():
        first, dots, last = word.partition("..")
        if dots:
            start, stop = int(first), int(last)
            found += range(start, stop + 1) if start <= stop else range(start, stop - 1, -1)
        else:
            found.append(float(word) if dtype.kind not in "iu" else int(word, 0))
    return np.array(found).astype(dtype)


def _texts(held: Mapping[str, Any]) -> Mapping[str, str]:
    return {name: str(value) for name, value in held.items()}
