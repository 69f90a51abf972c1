"""From tiles to the two record streams: where buffers lie, the order of the moves, and the waits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.codegen.arranging import quickest
from compiler.codegen.buffers import Buffers, buffers
from compiler.codegen.hazards import facts
from compiler.codegen.ordering import keeps, places, tiu_waits
from compiler.codegen.step import Made, Node, Step
from simulator.chip import Chip
from simulator.events import dma_costs, tiu_work
from simulator.isa.record import Command, Records, encode
from simulator.timing import TIU_SETUP

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Streams:
    """
    The records of each engine with their waits, and every node's 1-based place in its stream.

    `made` are the slices that the tiles complete, with the operands where they are in the end.
    """

    tiu: Records
    gdma: Records
    position: dict[Node, int]
    made: list[Made]


def streams(tiles: Sequence[Step], chip: Chip) -> Streams:
    """
    Both streams of a stretch, each with its end.

    The TIU's order is that of meaning, tile by tile in the order of the group's ops; the GDMA's is chosen, and buffers
    are moved where that helps. Waits follow from the bytes the records touch in order of meaning, so no order can be
    wrong about them; one is set only where an earlier record of the engine hasn't waited as long.
    """
    nodes = [node for step in tiles for node in step.nodes]
    records = encode(node.command for node in nodes)
    known = facts(records, chip)
    work = np.zeros(len(records), np.int64)
    work[known.tiu] = TIU_SETUP + tiu_work(records[known.tiu], chip)
    work[~known.tiu] = dma_costs(records[~known.tiu], chip)[:, 0]
    apart = buffers(tiles, known, chip)
    best = quickest(known, apart, work, chip)
    records["operands"]["addr"] = records["operands"]["addr"] + best.moved
    found, order, own = best.hazards, best.order, records[best.sequence]
    place = places(order)
    assert keeps(found, place), "a move overtakes one that it must follow"
    tiu, gdma = own[found.computes], own[found.moves[order]]
    tiu["wait"], gdma["wait"] = _set(tiu_waits(found, place)), _set(found.after_tiu[order])
    runs: list[list[int]] = [best.sequence[found.computes].tolist(), best.sequence[found.moves[order]].tolist()]
    position = {nodes[at]: i for stream in runs for i, at in enumerate(stream, 1)}
    ends = encode([Command("END"), Command("DMA_END")])
    made = list(_made(tiles, nodes, apart, best.moved))
    return Streams(np.append(tiu, ends[:1]), np.append(gdma, ends[1:]), position, made)


def _made(tiles: Sequence[Step], nodes: Sequence[Node], apart: Buffers | None, moved: Numbers) -> Iterator[Made]:
    """The slices as they lie once buffers are moved."""
    number = {node: i for i, node in enumerate(nodes)}
    for made in (made for step in tiles for made in step.made):
        if apart is None or not moved.any():
            yield made
            continue
        for i in (number[node] for node in reversed(made.nodes)):
            inside = [
                slot
                for slot, home in enumerate(apart.of[i].tolist())
                if home >= 0 and apart.addr[home] <= made.operand.addr < apart.addr[home] + apart.size[home]
            ]
            if inside:
                yield replace(made, operand=replace(made.operand, addr=made.operand.addr + int(moved[i, inside[0]])))
                break
        else:
            raise AssertionError(f"no command of {made.tensor.name_hint!r} has an operand where it lies")


def _set(needed: Numbers) -> Numbers:
    """The waits that aren't met by those before."""
    reached = np.append(0, np.maximum.accumulate(needed))[:-1] if len(needed) else needed
    return np.where(needed > reached, needed, 0)
