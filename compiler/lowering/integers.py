"""How integers and bools lie on the chip: the same in every mode, never quantised."""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerType, Signedness
from xdsl.ir import Attribute

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
