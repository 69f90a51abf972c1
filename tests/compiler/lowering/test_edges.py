"""Inputs and results pass in the types that are asked for, and say the same numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from xdsl.dialects.builtin import f32
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.quant import UniformType
from compiler.dialects.structure import InputOp
from compiler.ir.network import Array, Network, name_of, tensor
from compiler.lowering.edges import UnknownIO
from compiler.lowering.walk import FORMATS, lower
from compiler.results import Results
from tests.compiler.lowering.networks import calibrate, reference
from tests.compiler.lowering.test_formats import SPANS, lowered, made

QUANTISED, IN_FLOAT = "conv relu6", "softmax"
"""Results that int8 makes as int8, and as float32."""


def passing(case: str, mode: str, io: str) -> tuple[Network, Results]:
    network, feeds = ready(case)
    return network, lowered(network, mode, feeds, io)


def ready(case: str) -> tuple[Network, dict[str, Array]]:
    network, feeds = made(case)
    calibrate(network, reference(network, feeds), SPANS)
    return network, feeds


def edges(network: Network) -> tuple[Sequence[SSAValue], Sequence[SSAValue]]:
    """What comes in and what goes out."""
    fed = [op.output for op in network.ops if isinstance(op, InputOp)]
    return fed, [value for op in network.ops if isinstance(op, ReturnOp) for value in op.operands]


def elements(values: Sequence[SSAValue]) -> set[Attribute]:
    return {tensor(value).element_type for value in values}


@pytest.mark.parametrize("mode", FORMATS)
@pytest.mark.parametrize("case", [QUANTISED, IN_FLOAT])
def test_float32_passes_and_results_are_those_computed(case: str, mode: str) -> None:
    network, found = passing(case, mode, "float32")
    fed, given = edges(network)
    assert elements([*fed, *given]) == {f32}
    _, plain = passing(case, mode, "computed")
    for value in given:
        np.testing.assert_array_equal(found.real(name_of(value)), plain.real(name_of(value)))


def test_a_float_result_passes_as_the_mode_stores_it() -> None:
    network, found = passing(IN_FLOAT, "int8", "stored")
    fed, given = edges(network)
    assert all(isinstance(element, UniformType) for element in elements([*fed, *given]))
    (name,) = {name_of(value) for value in given}
    _, plain = passing(IN_FLOAT, "int8", "computed")
    assert not plain.meanings[name].internal
    assert "int8" in found.meanings[name].dtype
    np.testing.assert_allclose(
        found.real(name), plain.real(name), rtol=0, atol=0.501 * np.max(found.meanings[name].scale)
    )
    np.testing.assert_array_equal(found.real(f"{name}_f32"), plain.real(name))
    assert found.meanings[f"{name}_f32"].internal


@pytest.mark.parametrize("mode", FORMATS)
def test_what_is_stored_so_already_stays(mode: str) -> None:
    lowerings = [ready(QUANTISED)[0] for _ in range(2)]
    for network, io in zip(lowerings, ("stored", "computed"), strict=True):
        lower(network, mode, io=io)
    assert str(lowerings[0].module) == str(lowerings[1].module)


def test_other_ways_to_pass_are_refused() -> None:
    with pytest.raises(UnknownIO, match=r"'int4'.*computed, stored, float32"):
        lower(ready(QUANTISED)[0], "int8", io="int4")
