"""From tiles to the two record streams: the order of the moves, and the waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.codegen.hazards import hazards
from compiler.codegen.ordering import keeps, ordered, places, tiu_waits
from compiler.codegen.steps import Node, Step
from simulator.chip import Chip
from simulator.events import dma_costs, tiu_costs
from simulator.isa.record import Command, Records, encode

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Streams:
    """The records of each engine with their waits, and every node's 1-based place in its stream."""

    tiu: Records
    gdma: Records
    position: dict[Node, int]


def streams(tiles: Sequence[Step], chip: Chip) -> Streams:
    """
    Both streams of a stretch, each with its end.

    The TIU's order is that of meaning, tile by tile in the order of the group's ops; the GDMA's is chosen. Waits follow
    from the bytes the records touch in order of meaning, so no order can be wrong about them; one is set only where an
    earlier record of the engine hasn't waited as long.
    """
    nodes = [node for step in tiles for node in step.nodes]
    records = encode(node.command for node in nodes)
    found = hazards(records, chip)
    tiu, moves = records[found.computes], records[found.moves]
    order = ordered(found, tiu_costs(tiu, chip), dma_costs(moves, chip)[:, 0])
    place = places(order)
    assert keeps(found, place), "a move overtakes one that it must follow"
    tiu["wait"], gdma = _set(tiu_waits(found, place)), moves[order]
    gdma["wait"] = _set(found.after_tiu[order])
    runs: tuple[list[int], list[int]] = (found.computes.tolist(), found.moves[order].tolist())
    position = {nodes[at]: i for stream in runs for i, at in enumerate(stream, 1)}
    ends = encode([Command("END"), Command("DMA_END")])
    return Streams(np.append(tiu, ends[:1]), np.append(gdma, ends[1:]), position)


def _set(needed: Numbers) -> Numbers:
    """The waits that aren't met by those before."""
    reached = np.append(0, np.maximum.accumulate(needed))[:-1] if len(needed) else needed
    return np.where(needed > reached, needed, 0)
