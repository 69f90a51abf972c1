"""The question `evaluate` with every family's answer to it."""

from compiler.interpreter import contraction, elementwise, movement, pooling, product, windows
from compiler.interpreter.evaluate import evaluate

FAMILIES = (contraction, elementwise, movement, pooling, product, windows)

__all__ = ["FAMILIES", "evaluate"]
