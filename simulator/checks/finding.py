"""What a check has to say about a program."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.isa.table import Engine, Region


@dataclass(frozen=True)
class Finding:
    """
    One fault of a program.

    `record` is the 1-based record of `engine` where it shows, of the layer named by its tag; 0 for a whole stream.
    `start` and `stop` are bytes of `region`, in each lane for local memory; `other` is the record of the other engine,
    or of another core's, that it conflicts with, 0 if none has part in it. `core` counts from 0.
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

    def __str__(self) -> str:
        where = f"{self.engine.name} record {self.record}" if self.record else f"{self.engine.name} stream"
        layer = f", layer {self.layer}" if self.layer else ""
        core = f"core {self.core}, " if self.core else ""
        return f"{self.check}: {core}{where}{layer}: {self.message}"
