"""Faults of weights, addresses, data and waits are found in the record that they are of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.cores import Turn
from simulator.debugger import stops
from simulator.debugger.session import Debugger
from simulator.debugger.tensors import Seen
from simulator.execute.site import IllegalRecord
from simulator.isa.table import SPECS, DType, Engine, Region
from simulator.mismatch import BadReference, mismatch
from simulator.model_file import Model
from tests.simulator.debugger.compiled import TARGETS, built, debugger, gone_through
from tests.simulator.hand_made import copy_twice


@pytest.mark.parametrize("name", TARGETS)
def test_results_that_agree_stop_nothing(name: str) -> None:
    made = built(name)
    held = debugger(made)
    reference = held.hold_against(made.wanted)
    held.add(stops.at_mismatch(reference))
    assert reference.check(None) is None
    assert held.go_on().why == "the run is at its end"
    assert set(reference.arrays) == set(held.tensors.names)
    assert reference.compare(held.tensors.collect(held.tensors.names)) == []


@pytest.mark.parametrize("name", TARGETS)
def test_a_wrong_weight_is_found_in_the_record_that_uses_it(name: str) -> None:
    """The first layer that differs is the one whose filter was changed, at the first record that makes some of it."""
    made = built(name)
    held = debugger(made)
    conv = [turn for turn in held.program.turns() if held.program.op(turn) == "CONV"][-1]
    layer = held.program.layer(conv)
    loads = [turn for turn in held.program.turns() if held.program.layer(turn) == layer]
    source = next(
        each.operand
        for turn in loads
        for each in held.program.accesses(turn)
        if each.operand.region == Region.WEIGHT and each.operand.dtype in (DType.I8, DType.BF16)
    )
    weights = np.array(made.model.weights)
    weights[source.addr] ^= 0x7F
    wrong = Debugger(replace(made.model, weights=weights), made.feeds)
    one = wrong.add(stops.at_mismatch(wrong.hold_against(made.wanted)))
    stop = wrong.go_on()
    assert stop.fault
    assert stop.breakpoint is one
    assert f"tensor {layer!r} differs in" in stop.why
    last = wrong.run.past[-1]
    assert wrong.program.layer(last) == layer
    assert last in wrong.tensors.moments(layer)


def test_a_wrong_address_is_found_in_its_record() -> None:
    made = built("one core")
    gdma = made.model.gdma.copy()
    stores = np.flatnonzero(gdma["op"] == SPECS["LOAD"].code)
    io = next(int(i) for i in stores if gdma["operands"]["region"][i, 1] == Region.IO)
    gdma["operands"]["addr"][io, 1] += 12
    wrong = Debugger(replace(made.model, gdma=gdma), made.feeds)
    wrong.add(stops.at_mismatch(wrong.hold_against(made.wanted)))
    assert "differs in" in wrong.go_on().why
    assert wrong.program.layer(wrong.run.past[-1]) == made.model.layers[int(gdma["tag"][io])]


def test_a_mismatch_says_where_and_how_far() -> None:
    held = gone_through(built("one core"))
    seen = held.tensors.seen(held.tensors.names[-1])
    wanted = seen.stored.copy()
    wanted[1, 2, 3, 4] ^= 1
    found = mismatch(seen.tensor, seen.stored, wanted, seen.known)
    assert found is not None
    assert (found.index, found.differing) == ((1, 2, 3, 4), 1)
    assert found.wanted == wanted[1, 2, 3, 4]
    assert found.got == seen.stored[1, 2, 3, 4]
    step = seen.tensor.scale
    assert found.reals is not None
    assert isinstance(step, float)
    assert abs(found.reals[0] - found.reals[1]) == pytest.approx(step, rel=1e-5)
    signal = float((Seen(seen.tensor, wanted, seen.known).real.astype(np.float64) ** 2).sum())
    assert found.sqnr_db == pytest.approx(10 * np.log10(signal / step**2), rel=1e-5)


def test_results_of_another_model_are_refused() -> None:
    held = debugger(built("one core"))
    with pytest.raises(BadReference, match="no tensor of the model is in these results; they hold z"):
        held.hold_against({"z": np.zeros(3)})
    with pytest.raises(BadReference, match=r"is int8 .* in the results float32"):
        held.hold_against({held.tensors.names[-1]: np.zeros((2, 8, 11, 11), np.float32)})


def test_a_nan_is_found_where_it_is_born() -> None:
    made = built("hosted")
    held = debugger(made)
    held.add(held.data.at(["births"], "nan"))
    assert held.go_on().why == "the run is at its end"
    held.again()
    turn = held.program.touching(held.tensors["x"].slices[0].operand, 0)[0]
    weights = np.array(made.model.weights)
    weights.view(np.uint16)[:] = 0x7F7F
    wrong = Debugger(replace(made.model, weights=weights), made.feeds)
    wrong.add(wrong.data.at(["births"], "nan"))
    stop = wrong.go_on()
    assert stop.fault
    assert "births: " in stop.why
    assert "of operands that are all finite" in stop.why
    assert wrong.program.op(wrong.run.past[-1]) == "CONV"
    assert turn in wrong.run.past


def test_a_sum_beyond_int32_is_found_in_its_record() -> None:
    made = built("one core")
    held = debugger(made)
    loads = [turn for turn in held.program.turns() if held.program.op(turn) == "LOAD"]
    sources = [each.operand for turn in loads for each in held.program.accesses(turn) if not each.write]
    params = next(each for each in sources if each.region == Region.WEIGHT and each.dtype == DType.I32)
    weights = np.array(made.model.weights)
    weights[params.addr : params.addr + 4].view(np.int32)[:] = np.iinfo(np.int32).max
    wrong = Debugger(replace(made.model, weights=weights), made.feeds)
    wrong.add(wrong.data.at(["births"], "nan"))
    one = wrong.add(wrong.data.at(["overflow"], "overflow"))
    stop = wrong.go_on()
    assert stop.breakpoint is one
    assert "which int32 holds as -" in stop.why
    assert wrong.program.op(wrong.run.past[-1]) == "CONV"
    wrong.back(2)
    assert wrong.go_on().why == stop.why
    held.add(held.data.at(["overflow"], "overflow"))
    assert held.go_on().why == "the run is at its end"


def test_a_deadlock_is_told_and_can_be_looked_at() -> None:
    made = copy_twice()
    tiu = made.tiu.copy()
    tiu["wait"][2] = len(made.gdma)
    held = Debugger(replace(made, tiu=tiu), {"x": np.zeros((1, 8, 8, 32), np.int8)})
    why = held.go_on().why
    assert why.startswith("deadlock: core 0's TIU record 3 waits for GDMA record 9, core 0's GDMA record")
    assert not held.run.done
    assert held.run.at > 2


def test_an_illegal_record_stops_the_run_before_it() -> None:
    made: Model = copy_twice()
    gdma = made.gdma.copy()
    gdma["operands"]["addr"][2, 0] = 1 << 20
    held = Debugger(replace(made, gdma=gdma), {"x": np.zeros((1, 8, 8, 32), np.int8)})
    with pytest.raises(IllegalRecord, match="GDMA record 3"):
        held.go_on()
    assert held.run.next() == Turn(0, Engine.GDMA, 2)
