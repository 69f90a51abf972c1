"""The question `evaluate` with every family's answer to it."""

from compiler.interpreter import contraction, elementwise, movement, pooling
from compiler.interpreter.evaluate import evaluate

FAMILIES = (contraction, elementwise, movement, pooling)

__all__ = ["FAMILIES", "evaluate"]
