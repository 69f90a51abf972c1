"""The debugger's engine: the same bytes as a plain run at every point, forwards, back, and in any order."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.cores import Turn, turns
from simulator.debugger.order import ORDERS, UnknownOrder
from simulator.debugger.run import CannotRun, Edit
from simulator.debugger.session import Debugger
from simulator.isa.record import Operand
from simulator.isa.table import DType, Engine, Region
from simulator.runtime import PyRuntime
from tests.simulator.debugger.compiled import TARGETS, built, debugger, gone_through


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
    assert everything(held) == everything(gone_through(made))


def test_an_unknown_order() -> None:
    with pytest.raises(UnknownOrder, match="no order 'best'; there are machine, time, gdma, random"):
        debugger(built("one core")).run.choose("best")
