"""A layer group as planned: its ops, their cuts, and the place of every buffer in local memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from compiler.dialects.tpu.slices import Slices
from compiler.schedule.cuts import Grid, LoadKey, Tiling, load_key, parts_of
from compiler.schedule.demand import Demand, Starts, demand, turns_of
from compiler.schedule.links import Links, links_of
from compiler.schedule.local_memory import allocate
from compiler.schedule.nodes import Node
from compiler.schedule.sharing import share
from simulator.chip import Chip


@dataclass(frozen=True)
class Plan:
    """
    What goes into a `tpu.Group`: its ops in order, and the `ginfo` of them, of its Loads and of its Stores.

    `starts` tells the op before which each Load stands, where that isn't the first.
    """

    nodes: tuple[Node, ...]
    grid: Grid
    loads: Mapping[LoadKey, Slices]
    results: Mapping[Node, Slices]
    stores: Mapping[SSAValue, Slices]
    starts: Mapping[LoadKey, int]


def place(
    nodes: Sequence[Node],
    tiling: Tiling,
    chip: Chip,
    doubled: bool,
    starts: Starts | None = None,
    apart: bool = False,
) -> Plan | None:
    """
    The plan of a tiling, moves double buffered or not; None where it doesn't fit local memory.

    `apart` asks that no two operands of a record share a bank. `starts` as `demand` has it.
    """
    links = links_of(nodes).of(tiling)
    wanted = demand(nodes, share(tiling, chip.cores), chip, doubled, starts, links)
    addresses = allocate(wanted.buffers, chip, apart)
    if addresses is None:
        return None
    return _plan(links, tiling, wanted, addresses, _positions(nodes, tiling, starts) if starts else {})


def _positions(nodes: Sequence[Node], tiling: Tiling, starts: Starts) -> dict[LoadKey, int]:
    """
    Before which op each load stands; none before one in parts that comes ahead of it in the order of `starts`.

    A buffer that is free from a turn within an op on is written after that op in the order of meaning.
    """
    firsts = [turn.start for turn in turns_of(nodes, tiling)]
    used = dict[LoadKey, int]()
    for i, node in enumerate(nodes):
        for slot, operand in enumerate(node.operands):
            used.setdefault(load_key(node, operand, slot), i)
    found, least = dict[LoadKey, int](), 0
    for key, (start, *_) in starts.items():
        if parts_of(tiling.loads[key]) > 1:
            found[key] = used[key]
            least = used[key] + 1
        else:
            found[key] = min(max(least, bisect_left(firsts, start)), used[key])
    return found


def _plan(
    links: Links, tiling: Tiling, wanted: Demand, addresses: Sequence[int], starts: Mapping[LoadKey, int]
) -> Plan:
    loads = dict[LoadKey, Slices]()
    results, made = dict[Node, Slices](), dict[SSAValue, Slices]()
    nodes, roots = links.nodes, links.roots
    own = {node.output: wanted.results[node] for node in nodes if node.output not in roots}
    for node in nodes:
        numbers = own[roots.get(node.output, node.output)]
        made[node.output] = results[node] = _slices(node, tiling, wanted, addresses, numbers)
        for key in (load_key(node, operand, slot) for slot, operand in enumerate(node.operands)):
            if key.slot >= 0 and key in tiling.loads:
                loads[key] = Slices(tiling.loads[key], addr=results[node].addr, size=results[node].size)
            elif (numbers := wanted.loads.get(key)) is not None:
                addr = tuple(addresses[i] for i in numbers)
                loads[key] = Slices(tiling.loads[key], addr=addr, size=wanted.buffers[numbers[0]].size)
    stores = {
        value: Slices(axes, addr=made[value].addr, size=made[value].size) for value, axes in tiling.stores.items()
    }
    return Plan(tuple(nodes), tiling.grid, loads, results, stores, starts)


def _slices(node: Node, tiling: Tiling, wanted: Demand, addresses: Sequence[int], numbers: Sequence[int]) -> Slices:
    """An op's slices, its result in the buffers of these numbers: its own, or those of the value that it lies in."""
    return Slices(
        tiling.results[node],
        tiling.steps[node],
        addr=tuple(addresses[i] for i in numbers),
        size=wanted.buffers[numbers[0]].size,
        acc=addresses[wanted.accumulators[node]] if node in wanted.accumulators else -1,
        tmp=tuple(addresses[i] for i in wanted.temporaries[node]),
    )
