"""One op of any class, compiled for a chip so small that it must be cut, gives the interpreter's bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import FunctionType, ModuleOp, NoneType, StringAttr
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region

from compiler.codegen.assemble import assemble
from compiler.dialects.structure import InputOp, NoneOp, WeightOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import LutsOp
from compiler.interpreter.run import run_piece
from compiler.ir.network import Array, Network, named, shape
from compiler.schedule.addresses import assign
from compiler.schedule.divide import divide
from compiler.schedule.tiling import cut, full
from simulator.chip import Chip
from simulator.runtime import PyRuntime
from tests.compiler.interpreter.makers import MAKERS, Draw, operands_of

TINY = Chip("tiny", 1, 2, 512, 8, 4, 1, 1e9, 1e9)
"""Two lanes of 512 bytes."""

LESS_TINY = replace(TINY, name="less-tiny", lane_bytes=2048)
"""For what has more tables than fit a tiny lane."""

CONSTANT = ("filter", "right", "params", "table", "tables", "which")
"""Operands that are weights in every network."""


def network_of(op: TpuOp, arrays: list[Array]) -> tuple[Network, Mapping[str, Array]]:
    """A network of this one op, its constant operands weights, and the feeds of the others."""
    block, before = Block(), list[Operation]()
    weights, feeds = dict[str, Array](), dict[str, Array]()
    constants = {value for name in CONSTANT if (value := getattr(op, name, None)) is not None}
    for i, (value, array) in enumerate(zip(op.operands, arrays, strict=True)):
        if isinstance(value.type, NoneType):
            made: Operation = NoneOp.create(result_types=[NoneType()])
        elif value in constants:
            made = WeightOp.create(result_types=[value.type])
            weights[f"x{i}"] = array.reshape(shape(value))
        else:
            argument = block.insert_arg(value.type, len(block.args))
            made = InputOp.create(operands=[argument], result_types=[value.type])
            feeds[f"x{i}"] = array.reshape(shape(value))
        before.append(named(made, f"x{i}"))
        op.operands[i] = made.results[0]
    block.add_ops([*before, named(op, "y"), ReturnOp(op.output)])
    kinds = FunctionType.from_lists([a.type for a in block.args], [op.output.type])
    module = ModuleOp([FuncOp("main", kinds, Region(block))])
    module.attributes["module.mode"] = StringAttr("test")
    module.verify()
    return Network(module, weights), feeds


def results(op: TpuOp, arrays: list[Array], chip: Chip) -> Array:
    """What the chip makes of a network of this op, through schedule, memory and codegen."""
    network, feeds = network_of(op, arrays)
    divide(network, chip)
    assign(network)
    network.module.verify()
    return PyRuntime(assemble(network, chip)).dump(feeds)["y"]


@pytest.mark.parametrize("maker", [m for m in MAKERS if m.__name__ != "reshape"], ids=lambda maker: maker.__name__)
@settings(max_examples=30)
@given(data=st.data(), seed=st.integers(0, 99))
def test_the_chip_gives_the_interpreters_bits(maker: Callable[[Draw], TpuOp], data: st.DataObject, seed: int) -> None:
    op = maker(data.draw)
    arrays = operands_of(op, seed)
    whole = run_piece(op, arrays, cut(op, full(op))).reshape(shape(op.output))
    made = results(op, arrays, LESS_TINY if isinstance(op, LutsOp) else TINY)
    assert made.dtype == whole.dtype
    assert made.tobytes() == whole.tobytes()
