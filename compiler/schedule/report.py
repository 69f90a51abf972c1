"""What was decided for each group, as rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from xdsl.ir import Operation

from compiler.dialects.tpu.slices import Slices
from compiler.schedule.cost import Cost, cost
from compiler.schedule.cuts import Tiling, load_key
from compiler.schedule.links import links_of
from compiler.schedule.nodes import Node
from compiler.schedule.plan import Plan
from simulator.chip import Chip
from simulator.timing import bank_conflicts


def rows(parts: Iterable[Plan | Operation], chip: Chip) -> Iterator[dict[str, Any]]:
    """
    A row for each group.

    `tiles` along n, c, h, w and k; `compute`, `moves`: cycles of the engines; `cycles`: of the group, estimated;
    `lmem_peak` in bytes a lane; `halo`: computed cycles over those of one tile; `conflicts`: operands that share a bank
    with another of their record; `binds`: the engine that takes longer.
    """
    for plan in parts:
        if isinstance(plan, Plan):
            yield _row(plan, chip)


def _row(plan: Plan, chip: Chip) -> dict[str, Any]:
    spent = measured(plan, chip)
    links = links_of(plan.nodes).whole()
    whole = sum(links.work(node)(*node.extents, node.reduction) for node in plan.nodes)
    overlapped = plan.grid.tiles == 1 or any(len(slices.addr) > 1 for slices in plan.loads.values())
    return {
        "group": plan.nodes[-1].name,
        "ops": len(plan.nodes),
        "tiles": "·".join(str(plan.grid.secs[axis]) for axis in "nchwk"),
        "order": plan.grid.order,
        "cycles": spent.cycles(len(plan.nodes), overlapped),
        "compute": spent.compute,
        "moves": spent.moves,
        "bytes": spent.bytes,
        "lmem_peak": max(end for slices in _placed(plan) for end in _ends(slices)),
        "halo": round(spent.compute / whole, 3) if whole else 1.0,
        "conflicts": sum(conflicts(node, plan, chip) for node in plan.nodes),
        "binds": "compute" if spent.compute > spent.moves else "moves",
    }


def measured(plan: Plan, chip: Chip) -> Cost:
    """The cost of a plan."""
    return cost(plan.nodes, tiling_of(plan), chip)


def tiling_of(plan: Plan) -> Tiling:
    """The cuts of a plan, without addresses."""
    return Tiling(
        plan.grid,
        {node: slices.axes for node, slices in plan.results.items()},
        {node: slices.steps for node, slices in plan.results.items()},
        {key: slices.axes for key, slices in plan.loads.items()},
        {value: slices.axes for value, slices in plan.stores.items()},
    )


def conflicts(node: Node, plan: Plan, chip: Chip) -> int:
    """How many operands of the op's record share a bank with another, in the worst turn of the buffers."""
    made = {n.output: plan.results[n] for n in plan.nodes}
    used = [plan.results[node]]
    for slot, operand in enumerate(node.operands):
        used.append(made.get(operand.value) or plan.loads[load_key(node, operand, slot)])
    if node.moves or node.view:
        return 0
    turns = max(len(slices.addr) for slices in used)
    return max(
        bank_conflicts(chip, ((a := slices.addr[turn % len(slices.addr)], a + slices.size) for slices in used))
        for turn in range(turns)
    )


def _placed(plan: Plan) -> Iterator[Slices]:
    yield from plan.loads.values()
    yield from plan.results.values()


def _ends(slices: Slices) -> Iterator[int]:
    yield from (address + slices.size for address in slices.addr)
