"""From planned groups to the text's ops: `main` anew, with a `tpu.Group` for each plan."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import cast

from xdsl.dialects.builtin import NoneType, StringAttr
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from compiler.dialects.fields import integer
from compiler.dialects.structure import InputOp, NoneOp, WeightOp
from compiler.dialects.tpu.group import GroupOp, LoadOp, StoreOp, YieldOp
from compiler.dialects.tpu.slices import LgAttr
from compiler.ir.network import Network, name_of, named
from compiler.schedule.cuts import LoadKey, load_key
from compiler.schedule.nodes import Node
from compiler.schedule.plan import Plan


def regroup(network: Network, parts: Sequence[Plan | Operation]) -> None:
    """
    Replace the body of `main` by its inputs and weights, then `parts`: groups, and ops that stay as they are.

    `parts` are in an order in which values are defined before they are used.
    """
    block = network.main.body.block
    body = list(block.ops)
    mapped = dict[SSAValue, SSAValue]()
    made: list[Operation] = [op.clone(mapped) for op in body if isinstance(op, InputOp | NoneOp | WeightOp)]
    for part in parts:
        made.append(group(part, mapped) if isinstance(part, Plan) else part.clone(mapped))
    made += [op.clone(mapped) for op in body if isinstance(op, ReturnOp)]
    for op in reversed(body):
        op.detach()
        op.erase(safe_erase=False)
    block.add_ops(made)


def group(plan: Plan, mapped: dict[SSAValue, SSAValue]) -> GroupOp:
    """The op of a plan. `mapped` tells the new value of each old one, and learns those of the group's results."""
    inside, loads = dict(mapped), dict[LoadKey, LoadOp]()
    body = list[Operation]()
    for key, slices in plan.loads.items():
        outer = mapped[key.value]
        load = LoadOp.create(operands=[outer], result_types=[outer.type], attributes={"ginfo": LgAttr(slices)})
        loads[key] = named(load, name_of(key.value))
    for i, node in enumerate(plan.nodes):
        body += [load for key, load in loads.items() if plan.starts.get(key, 0) == i]
        body.append(_compute(node, plan, loads, inside))
    stores = list[StoreOp]()
    for value, slices in plan.stores.items():
        store = StoreOp.create(
            operands=[inside[value]], result_types=[value.type], attributes={"ginfo": LgAttr(slices)}
        )
        stores.append(named(store, name_of(value)))
    results = [store.output for store in stores]
    body += [*stores, YieldOp.create(operands=results)]
    inputs = list(dict.fromkeys(load.input for load in loads.values()))
    made = GroupOp.create(
        operands=inputs,
        result_types=[result.type for result in results],
        regions=[Region(Block(body))],
        attributes=_grid(plan),
    )
    for value, result in zip(plan.stores, made.outputs, strict=True):
        mapped[value] = result
    return named(made, plan.nodes[-1].name)


def _compute(node: Node, plan: Plan, loads: dict[LoadKey, LoadOp], inside: dict[SSAValue, SSAValue]) -> Operation:
    """A copy of the op on local operands: what the group made before, or a Load."""
    slots = count()
    operands = list[SSAValue]()
    for value in node.op.operands:
        load = None
        if not isinstance(value.type, NoneType):
            slot = next(slots)
            load = loads.get(load_key(node, node.operands[slot], slot))
        operands.append(inside[value] if load is None else load.output)
    copy = node.op.clone_without_regions(clone_operands=False)
    copy.operands = operands
    copy.attributes["ginfo"] = LgAttr(plan.results[node])
    inside[node.output] = copy.results[0]
    return copy


def _grid(plan: Plan) -> dict[str, Attribute]:
    secs = {f"{axis}secs": cast("Attribute", integer(tiles)) for axis, tiles in plan.grid.secs.items()}
    shared = {"split": StringAttr(plan.grid.split)} if plan.grid.split else {}
    return {**secs, "order": StringAttr(plan.grid.order), **shared}
