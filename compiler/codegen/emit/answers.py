"""The question `emit` with every family's answer to it."""

from compiler.codegen.emit import contraction, elementwise, movement, pooling, product, windows
from compiler.codegen.emit.emit import Place, emit

FAMILIES = (contraction, elementwise, movement, pooling, product, windows)

__all__ = ["FAMILIES", "Place", "emit"]
