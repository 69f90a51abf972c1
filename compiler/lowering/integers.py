"""How integers and bools lie on the chip: the same in every mode, never quantised."""

from __future__ import annotations

from xdsl.dialects.builtin import ArrayAttr, IntegerType, Signedness, StringAttr
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.structure import InputOp
from compiler.ir.network import Array, Network, declared_outputs, tensor
from compiler.ir.storage import storage
from compiler.lowering.job import Job

U8 = IntegerType(8, Signedness.UNSIGNED)
I8 = IntegerType(8, Signedness.SIGNED)
I32 = IntegerType(32, Signedness.SIGNED)
LEAST, MOST = -(2**31), 2**31 - 1
"""Of the integers that the chip computes with."""


def chip_element(element: Attribute) -> Attribute | None:
    """The chip's type for a network's integers: bools are 0 or 1 in a byte; wider ones than a byte have 32 bits."""
    match element:
        case IntegerType(width=width, signedness=sign):
            if width.data > 8:
                return I32
            return I8 if width.data == 8 and sign.data is not Signedness.UNSIGNED else U8
        case _:
            return None


def held(array: Array, job: Job) -> Array:
    """A constant of integers, as it is. Raises Unlowerable for one that 32 bits don't hold."""
    if array.size and not LEAST <= int(array.min()) <= int(array.max()) <= MOST:
        raise job.refusal("a constant doesn't fit 32 bits, which the chip's integers have")
    return array


def declare(network: Network) -> None:
    """Note the types of a network's inputs and results of integers and bools, which the chip's won't tell."""
    for op in network.ops:
        if isinstance(op, InputOp) and (name := _name(op.output)):
            op.declared = StringAttr(name)
    returned = network.main.body.block.last_op
    results = returned.operands if returned else ()
    names = [_name(value) or stated for value, stated in zip(results, declared_outputs(network), strict=True)]
    if any(names):
        network.module.attributes["module.declared_outputs"] = ArrayAttr(map(StringAttr, names))


def _name(value: SSAValue) -> str:
    """Numpy's name of the type of integers or bools; empty for others."""
    return "" if chip_element(tensor(value).element_type) is None else storage(value).name
