"""How integers and bools lie on the chip: the same in every mode, never quantised."""

from __future__ import annotations

from xdsl.dialects.builtin import ArrayAttr, IntegerType, Signedness, StringAttr
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.structure import InputOp
from compiler.ir.network import Network, declared_outputs, tensor
from compiler.ir.storage import storage

U8 = IntegerType(8, Signedness.UNSIGNED)
I8 = IntegerType(8, Signedness.SIGNED)
I32 = IntegerType(32, Signedness.SIGNED)


def chip_element(element: Attribute) -> Attribute | None:
    """The chip's type for a network's integers: bools are 0 or 1 in a byte; wider ones than a byte have 32 bits."""
    if not isinstance(element, IntegerType):
        return None
    width: int = element.width.data
    if width > 8:
        return I32
    return I8 if width == 8 and element.signedness.data is not Signedness.UNSIGNED else U8


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
