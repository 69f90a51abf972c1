"""Every record is one that the chip defines: types, extents, lanes, windows and parameters go together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulator.checks import report
from simulator.checks.finding import Finding
from simulator.checks.program import Program, sizes
from simulator.events import distinct
from simulator.execute.site import IllegalRecord, Site
from simulator.execute.table import prepared
from simulator.isa.record import RECORD, Command, Records, encode
from simulator.memory import Memory
from simulator.model_file import Model

NAME = "legal"


def legal(program: Program) -> Iterator[Finding]:
    """
    A finding for each record that a session would refuse, or that has something where its op has no field.

    The program must have passed structure and bounds; then addresses alone make no record illegal, and one of those
    that differ only in these speaks for all.
    """
    _, which = distinct(program.kinds, addresses=False)
    firsts = np.unique(which, return_index=True)[1]
    commands, memory = [program.command(kind) for kind in firsts.tolist()], _Blank(program.model)
    meant, held = (_bytes(records) for records in (encode(commands), program.kinds[firsts]))
    for like, command in enumerate(commands):
        if why := _refused(command, memory) or _astray(command, meant[like], held[like]):
            for kind in np.flatnonzero(which == like).tolist():
                for where in program.records(kind):
                    yield report.at_record(program, NAME, where, why, why)


class _Blank(Memory):
    """Memory of a model's sizes, of which no byte is ever touched."""

    def __init__(self, model: Model) -> None:
        self.chip = model.chip
        self.lanes = np.empty((model.chip.lanes, model.chip.lane_bytes), np.uint8)
        self.regions = {region: np.empty(size, np.uint8) for region, size in sizes(model).items() if region}
        self._places = {}


def _refused(command: Command, memory: Memory) -> str:
    """Why a session would refuse a record."""
    try:
        prepared(Site(command, 0, memory, {}))
    except IllegalRecord as error:
        return f"{error.field}: {error.why}"
    return ""


def _astray(command: Command, meant: NDArray[np.uint8], held: NDArray[np.uint8]) -> str:
    """The first byte of a record that the command which it is read as doesn't have."""
    found = np.flatnonzero(meant != held)
    return f"{command.op}: {_field(int(found[0]))} isn't 0, but means nothing there" if len(found) else ""


def _bytes(records: Records) -> NDArray[np.uint8]:
    return np.ascontiguousarray(records).view(np.uint8).reshape(len(records), RECORD.itemsize)


def _field(byte: int) -> str:
    """The record's field that has a byte."""
    *_, name = (name for name, (_, at, *_) in (RECORD.fields or {}).items() if at <= byte)
    return f"field {name} (byte {byte})"
