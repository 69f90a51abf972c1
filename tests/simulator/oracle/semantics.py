"""What each op does to memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulator.isa.record import Command
from tests.simulator.oracle import contraction, eight_bits, elementwise, movement, pooling, resampling
from tests.simulator.oracle.memory import State

SEMANTICS: Mapping[str, Callable[[State, Command], None]] = {
    "CONV": contraction.conv,
    "DWCONV": contraction.depthwise,
    "MATMUL": contraction.matmul,
    "BMATMUL": contraction.batched,
    "POOL": pooling.pool,
    "REDUCE": pooling.reduce,
    "ARITH": elementwise.arith,
    "SELECT": elementwise.select,
    "LUT": eight_bits.lut,
    "RESCALE_ADD": eight_bits.add,
    "RESCALE_MUL": eight_bits.mul,
    "CAST": eight_bits.cast,
    "RESAMPLE": resampling.resample,
    "COPY": movement.move,
    "LOAD": movement.move,
    "STORE": movement.move,
    "GATHER": movement.gather,
    "SCATTER": movement.scatter,
    "UNPACK": movement.unpack,
}
"""By op; those that carry a wait or a message do nothing to memory."""
