"""What a check has to say about a program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from simulator.isa.table import Engine, Region

TOLD = 3
"""Findings that an error's message has whole."""


@dataclass(frozen=True)
class Finding:
    """
    One fault of a program.

    `record` is the 1-based record of `engine` of `core` where it shows, of the layer named by its tag; 0 for a whole
    stream. `command` is its text. `start` and `stop` are bytes of `region`, in each of the lanes from the first of
    `lanes` to before its last for local memory; `tensor` is what lies there. `other` is the record of `other_engine`
    of `other_core` that it conflicts with, 0 if none has part in it. `count` findings were alike; this is the first.
    """

    check: str
    engine: Engine
    record: int
    message: str
    layer: str = ""
    operand: str = ""
    region: Region = Region.LOCAL
    start: int = 0
    stop: int = 0
    other: int = 0
    core: int = 0
    lanes: tuple[int, int] = (0, 0)
    tensor: str = ""
    command: str = ""
    other_engine: Engine = Engine.TIU
    other_core: int = 0
    other_layer: str = ""
    other_command: str = ""
    kind: str = ""
    """Which of the check's faults it is, such as RAW."""
    count: int = 1

    def __str__(self) -> str:
        where = f"{self.engine.name} record {self.record}" if self.record else f"{self.engine.name} stream"
        layer = f", layer {self.layer}" if self.layer else ""
        core = f"core {self.core}, " if self.core else ""
        told = f" ({'; '.join(beside)})" if (beside := self._beside()) else ""
        return f"{self.check}: {core}{where}{layer}: {self.message}{told}"

    def as_dict(self) -> dict[str, Any]:
        """Every field by name, for JSON: names in the place of codes."""
        named = {"engine": self.engine.name, "region": self.region.name, "other_engine": self.other_engine.name}
        return {**asdict(self), **named, "lanes": list(self.lanes)}

    def _beside(self) -> list[str]:
        """What the message leaves unsaid."""
        first, last = self.lanes
        return [
            *([f"tensor {self.tensor}"] if self.tensor else []),
            *([f"lanes {first} to {last}"] if last else []),
            *([f"the other is {self.other_command.split()[0]}"] if self.other_command else []),
            *([f"of layer {self.other_layer}"] if self.other_layer else []),
            *([f"{self.count} alike"] if self.count > 1 else []),
        ]


class Faulty(ValueError):
    """A program or its data are at fault; `findings` say how."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        told = "; ".join(map(str, findings[:TOLD]))
        more = f"; and {len(findings) - TOLD} more" if len(findings) > TOLD else ""
        super().__init__(f"{len(findings)} findings: {told}{more}" if len(findings) > 1 else told)
        self.findings = findings


def collapsed(findings: Iterable[Finding]) -> list[Finding]:
    """Findings of one kind at the same operands of the same layers as one, the first, which counts them."""
    first: dict[tuple[object, ...], Finding] = {}
    counts: dict[tuple[object, ...], int] = {}
    for finding in findings:
        where = finding.check, finding.kind or finding.message, finding.core, finding.engine, finding.layer
        what = finding.operand, finding.region, finding.other_core, finding.other_engine, finding.other_layer
        alike = (*where, *what)
        first.setdefault(alike, finding)
        counts[alike] = counts.get(alike, 0) + finding.count
    return [replace(finding, count=counts[alike]) for alike, finding in first.items()]
