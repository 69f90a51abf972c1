"""Every operand lies within its memory, aligned, in a region its side may use; WEIGHT is never written."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.checks.finding import Finding
from simulator.checks.walk import Access, Visit, visits
from simulator.isa.table import Engine, Region
from simulator.memory import BadOperand, check, written_twice
from simulator.model_file import Model
from simulator.timing import span

NAME = "bounds"


def check_bounds(model: Model) -> Iterator[Finding]:
    """A finding for each operand that isn't where it may be. The model must have passed structure."""
    sizes = {
        Region.LOCAL: model.chip.lane_bytes,
        Region.WEIGHT: len(model.weights),
        Region.ACTIVATION: model.activation_bytes,
        Region.IO: model.io_bytes,
    }
    for visit in visits(model):
        for access in visit.accesses:
            operand = access.operand
            if why := _fault(model, sizes[operand.region], visit, access):
                start, stop = span(operand, model.chip)
                message = f"{visit.command.op} {access.name}: {why}"
                region = operand.region
                where = NAME, visit.engine, visit.number
                yield Finding(*where, message, visit.layer, access.name, region, start, stop, core=visit.core)


def _fault(model: Model, size: int, visit: Visit, access: Access) -> str:
    """What is wrong with an operand; empty if nothing is."""
    operand = access.operand
    allowed = _regions(visit, access)
    if operand.region not in allowed:
        return f"{operand.region.name} isn't {' or '.join(region.name for region in allowed)}"
    try:
        check(operand, model.chip, size)
    except BadOperand as error:
        return str(error)
    if access.write and written_twice(operand, model.chip):
        return f"strides {operand.strides} write a byte more than once"
    return ""


def _regions(visit: Visit, access: Access) -> tuple[Region, ...]:
    """Where an operand may lie: the far side of a transfer is global, all else local."""
    near = "in" if visit.command.op == "STORE" else "out"
    if visit.engine == Engine.TIU or access.name == near:
        return (Region.LOCAL,)
    return (Region.ACTIVATION, Region.IO) if access.write else (Region.WEIGHT, Region.ACTIVATION, Region.IO)
