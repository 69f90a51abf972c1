"""The questions of lowering with every rule that answers them."""

from compiler.lowering import (
    channelwise,
    elementwise,
    indexing,
    matmul,
    norms,
    padding,
    pools,
    reduction,
    resampling,
    softmax,
    transposed,
)
from compiler.lowering.carry import carry
from compiler.lowering.floating import to_float
from compiler.lowering.int8 import to_int8, to_int8_or_float

FAMILIES = (
    channelwise,
    elementwise,
    indexing,
    matmul,
    norms,
    padding,
    pools,
    reduction,
    resampling,
    softmax,
    transposed,
)
"""Rules in files of their own."""

__all__ = ["FAMILIES", "carry", "to_float", "to_int8", "to_int8_or_float"]
