"""The debugger's engine: the same bytes as a plain run at every point, forwards, back, and in any order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from simulator.cores import Turn, turns
from simulator.debugger import stops
from simulator.debugger.order import ORDERS, UnknownOrder
from simulator.debugger.program import Extent
from simulator.debugger.run import CannotRun, Edit
from simulator.debugger.session import Debugger
from simulator.debugger.tensors import Seen
from simulator.execute.site import IllegalRecord
from simulator.isa.record import Operand
from simulator.isa.table import SPECS, DType, Engine, Region
from simulator.mismatch import BadReference, mismatch
from simulator.model_file import Model
from simulator.runtime import PyRuntime
from tests.simulator.debugger.compiled import TARGETS, Built, built
from tests.simulator.hand_made import copy_twice


def debugger(made: Built) -> Debugger:
    return Debugger(made.model, made.feeds)


def everything(held: Debugger) -> dict[str, bytes]:
    return {name: seen.stored.tobytes() for name, seen in held.tensors.collect(held.tensors.names).items()}


@pytest.mark.parametrize("name", TARGETS)
def test_every_tensor_at_the_end_is_the_dumps(name: str) -> None:
    made = built(name)
    held = debugger(made)
    assert held.go_on().why == "the run is at its end"
    dumped = PyRuntime(made.model).dump(made.feeds)
    assert everything(held) == {key: array.tobytes() for key, array in dumped.items()}
    assert all(seen.complete for seen in held.tensors.collect(held.tensors.names).values())


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("order", ORDERS)
def test_any_order_makes_the_same(name: str, order: str) -> None:
    made = built(name)
    held = debugger(made)
    held.run.choose(order, 5)
    held.go_on()
    assert held.run.done
    wanted = PyRuntime(made.model).dump(made.feeds)
    assert everything(held) == {key: array.tobytes() for key, array in wanted.items()}


def test_the_order_is_the_machines_unless_chosen() -> None:
    for name in ("one core", "two cores"):
        made = built(name)
        assert debugger(made).run.moments == list(turns(made.model.cores))


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_known_of_a_tensor_on_the_way_stays_so(name: str) -> None:
    """At each record, every tensor's finished elements are the dump's, and no fewer than before."""
    made = built(name)
    held, wanted = debugger(made), PyRuntime(made.model).dump(made.feeds)
    before = dict.fromkeys(held.tensors.names, 0)
    while held.run.next() is not None:
        held.step()
        for key, seen in held.tensors.collect(held.tensors.names).items():
            known = int(np.count_nonzero(seen.known))
            assert known >= before[key]
            assert known == held.tensors.progress(key)[0] or held.tensors.home(key).held
            before[key] = known
            if known:
                assert np.array_equal(seen.stored[seen.known], wanted[key][seen.known])
    assert held.run.done


def test_back_is_as_it_was() -> None:
    made = built("two cores")
    held = debugger(made)
    seen = [_memory(held)]
    while held.run.next() is not None:
        held.step()
        seen.append(_memory(held))
    for count in (len(seen) - 2, 7, 3, 0):
        held.run.to(count)
        assert _memory(held) == seen[count]
    held.run.to(5)
    held.back(2)
    assert _memory(held) == seen[3]


def test_snapshots_are_as_good_as_a_run_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    made = built("one core")
    held = debugger(made)
    held.run.to(9)
    wanted = _memory(held)
    monkeypatch.setattr("simulator.debugger.run.APART_S", 0.0)
    monkeypatch.setattr("simulator.debugger.run.KEPT_BYTES", 10 << 20)
    other = debugger(made)
    other.go_on()
    other.run.to(9)
    assert _memory(other) == wanted


def _memory(held: Debugger) -> list[bytes]:
    memories = held.run.state.memories
    regions = memories[0].regions
    return [*(memory.lanes.tobytes() for memory in memories), *(regions[r].tobytes() for r in Region if r)]


def test_layers_one_after_another() -> None:
    made = built("one core")
    held = debugger(made)
    names: list[str] = []
    while not (stop := held.next_layer()).why.startswith("the run"):
        names.append(stop.why)
    assert sorted(names) == sorted(f"layer {name} is done" for name in held.program.by_layer)
    held.again()
    assert held.next_layer(2).why == names[1]


def test_groups_are_done_when_their_layers_are() -> None:
    made = built("one core")
    first, second, *_ = debugger(made).program.by_layer
    held = Debugger(made.model, made.feeds, {first: "g0", second: "g0"})
    held.next_group()
    done = held.run.at
    last = max(held.run.position(m) for name in (first, second) for m in held.program.by_layer[name])
    assert done == last + 1
    with pytest.raises(CannotRun, match="which group"):
        debugger(made).next_group()


def test_an_engine_of_choice_and_what_holds_it() -> None:
    held = debugger(built("one core"))
    with pytest.raises(CannotRun, match=r"core 0's TIU record 1 waits for GDMA record \d"):
        held.step_engine(0, Engine.TIU)
    held.step_engine(0, Engine.GDMA, 2)
    assert list(held.run.past) == [Turn(0, Engine.GDMA, 0), Turn(0, Engine.GDMA, 1)]
    held.go_on()
    assert held.run.done


def test_until_finish_and_what_has_run_already() -> None:
    held = debugger(built("one core"))
    turn = Turn(0, Engine.TIU, 2)
    held.until(turn)
    assert held.run.next() == turn
    name = held.tensors.names[-1]
    assert held.finish(held.tensors.moments(name), name).why == f"{name} is finished"
    assert held.tensors.seen(name).complete
    with pytest.raises(CannotRun, match="has run already"):
        held.until(turn)
    with pytest.raises(CannotRun, match="finished already"):
        held.finish(held.tensors.moments(name), name)


def stops_of(held: Debugger) -> Iterator[str]:
    while True:
        stop = held.go_on()
        if stop.breakpoint is None:
            return
        yield stop.why


def test_breakpoints_stop_where_they_say() -> None:
    held = debugger(built("one core"))
    convs = [turn for turn in held.program.turns() if held.program.op(turn) == "CONV"]
    held.add(stops.at_op(held.program, "CONV"))
    assert len(list(stops_of(held))) == len(convs)
    held.again()
    held.breakpoints.clear()
    layer = held.program.layer(convs[-1])
    held.add(stops.at_layer(held.run, layer))
    held.go_on()
    upcoming = held.run.next()
    assert upcoming is not None
    assert held.program.layer(upcoming) == layer
    assert not any(held.program.layer(moment) == layer for moment in held.run.past)
    one = held.add(stops.at_tensor(held.tensors, layer))
    said = list(stops_of(held))
    whole = int(np.prod(held.tensors[layer].shape))
    where, what = said[-1].split(": ")
    assert where == f"breakpoint {one.number}, tensor {layer} after TIU {convs[-1].at + 1}"
    assert what == f"{whole:,} of {whole:,} elements of {layer} are finished"
    assert one.hits == len(said)


def test_once_and_disabled() -> None:
    held = debugger(built("one core"))
    one, two = (held.add(stops.at_op(held.program, "CONV")) for _ in range(2))
    one.once, two.enabled = True, False
    assert len(list(stops_of(held))) == 1
    assert list(held.breakpoints) == [2]


def test_bytes_touched_and_changed() -> None:
    """`x` is read by loads, and nothing writes it; what STORE leaves in y changes once, from what poison is."""
    held = debugger(built("one core"))
    x, y = held.program.model.inputs[0], held.program.model.outputs[0]
    read = Extent(Region.IO, x.offset, x.offset + 1)
    assert held.program.touching(read, 0, write=True) == []
    assert {held.program.op(turn) for turn in held.program.touching(read, 0)} == {"LOAD"}
    first = Extent(Region.IO, y.offset, y.offset + 1)
    watch = held.add(stops.at_change(held.run, [(first, 0)], "y"))
    assert "1 of 1 bytes changed, byte 0 from 0xff to " in held.go_on().why
    (writer,) = held.program.touching(first, 0, write=True)
    assert held.run.past[-1] == writer
    assert list(stops_of(held)) == []
    assert held.back_to_stop().breakpoint is watch
    assert held.run.past[-1] == writer


def test_lanes_and_strides_are_told_apart() -> None:
    """A row that an operand leaves out, and a lane that it isn't in, aren't touched."""
    held = Debugger(copy_twice(), {"x": np.zeros((1, 8, 8, 32), np.int8)})
    sparse = Operand(0, DType.I8, (1, 4, 2, 8), (0, 0, 64, 1))
    assert held.program.touching(Extent(Region.LOCAL, 8192, 8193, lane=7), 0) != []
    marked = held.program.touching(sparse, 0, write=True)
    assert {held.program.op(turn) for turn in marked} == {"LOAD"}
    assert held.program.touching(replace(sparse, addr=20000), 0) == []


def test_an_edit_is_made_again_after_going_back_and_forgotten_before_it() -> None:
    made = built("one core")
    held = debugger(made)
    held.go_on()
    plain = everything(held)
    held.run.to(0)
    part = held.tensors["x"].slices[0]
    zeros = np.zeros(part.operand.dims, np.int8)
    held.run.edit(Edit(0, part.operand, zeros))
    held.go_on()
    changed = everything(held)
    assert changed != plain
    assert changed["x"] == bytes(len(changed["x"]))
    wanted = PyRuntime(made.model).dump({"x": np.zeros_like(made.feeds["x"])})
    assert changed == {key: array.tobytes() for key, array in wanted.items()}
    held.again()
    held.go_on()
    assert everything(held) == changed
    held.run.forget_edits()
    held.go_on()
    assert everything(held) == plain


def test_an_edit_of_weights_counts_and_leaves_the_model_as_it_is() -> None:
    made = built("one core")
    held = debugger(made)
    held.run.to(6)
    kept = made.model.weights.tobytes()
    weights = Operand(0, DType.U8, (1, 1, 1, made.model.weights.size), (0, 0, 0, 1), Region.WEIGHT)
    held.run.edit(Edit(0, weights, np.zeros(weights.dims, np.uint8)))
    held.go_on()
    late = everything(held)
    assert made.model.weights.tobytes() == kept
    held.run.to(6)
    held.go_on()
    assert everything(held) == late
    held.run.to(2)
    held.go_on()
    assert everything(held) == everything(_run(made))


def _run(made: Built) -> Debugger:
    held = debugger(made)
    held.go_on()
    return held


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
    held = _run(built("one core"))
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


def test_an_unknown_order() -> None:
    with pytest.raises(UnknownOrder, match="no order 'best'; there are machine, time, gdma, random"):
        debugger(built("one core")).run.choose("best")
