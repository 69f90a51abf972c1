"""The compiler's programs are sound, and without any one of their necessary waits they are caught."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.codegen.assemble import assemble
from compiler.dialects.tpu.base import TpuOp
from compiler.schedule.addresses import assign
from compiler.schedule.divide import divide
from simulator.checks.check import check
from simulator.model_file import Model
from tests.compiler.codegen.test_bits import TINY, network_of
from tests.compiler.interpreter.makers import MAKERS, Draw, operands_of
from tests.simulator.checks.alone import check_races
from tests.simulator.checks.oracle import unordered, waits, without_wait

ONE_OP = [maker for maker in MAKERS if maker.__name__ not in ("reshape", "luts")]
"""A view is no record, and the tables for any number don't fit so small a chip."""


def program(op: TpuOp) -> Model:
    """One op for a chip so small that it must be cut."""
    network, _ = network_of(op, operands_of(op, 0))
    divide(network, TINY)
    assign(network)
    return assemble(network, TINY)


@pytest.mark.parametrize("maker", ONE_OP, ids=lambda maker: maker.__name__)
@settings(max_examples=12)
@given(data=st.data())
def test_programs_are_sound_and_mutants_are_not(maker: Callable[[Draw], TpuOp], data: st.DataObject) -> None:
    made = program(maker(data.draw))
    assert check(made) == []
    for wait in waits(made)[:8]:
        mutant = without_wait(made, *wait)
        assert bool(list(check_races(mutant))) == bool(unordered(mutant))
