"""All kinds of random commands, and who draws each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from random import Random

import numpy as np

from simulator.isa.record import Command
from tests.simulator.oracle.drawing import contraction, elementwise, movement, pooling
from tests.simulator.oracle.drawing.kind import Kind
from tests.simulator.oracle.drawing.page import Page

Drawing = Callable[[Kind, Page], Command]
"""A random command of a kind, its operands laid out on the page."""

DRAWINGS: Mapping[str, Drawing] = {
    "CONV": contraction.convolution,
    "DWCONV": contraction.convolution,
    "MATMUL": contraction.matmul,
    "BMATMUL": contraction.batched,
    "POOL": pooling.pool,
    "REDUCE": pooling.reduce,
    **dict.fromkeys(("ARITH", "SELECT", "LUT", "RESCALE_ADD", "RESCALE_MUL", "CAST"), elementwise.draw),
    "RESAMPLE": movement.resample,
    "COPY": movement.copy,
    "LOAD": movement.load,
    "STORE": movement.store,
    "GATHER": movement.gather,
    "SCATTER": movement.scatter,
    "UNPACK": movement.unpack,
}

KINDS: tuple[Kind, ...] = tuple(chain(contraction.kinds(), pooling.kinds(), elementwise.kinds(), movement.kinds()))


def page_of(random: Random, kinds: list[Kind]) -> Page:
    """A page of one command of each of the kinds, as many as it holds; those are taken off the list's end."""
    page = Page(random)
    while kinds and not page.is_full:
        kind = kinds.pop()
        with np.errstate(over="ignore"):
            page.commands.append(DRAWINGS[kind.op](kind, page))
        page.kinds[len(page.commands) - 1] = kind
    return page
