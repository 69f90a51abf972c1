"""Where the debugger's commands make a run stop, and what they say then."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.commands.debug import play
from pipeline.debugger.context import Context
from simulator.debugger.session import Debugger
from tests.pipeline.debugger.talk import Talk
from tests.simulator.hand_made import copy_twice


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_breakpoints_of_every_kind(talk: Talk) -> None:
    layer = list(talk.context.debugger.program.by_layer)[1]
    for line, what in (
        (f"break {layer}", f"layer {layer}"),
        (f"break layer {layer}", f"layer {layer}"),
        (f"break tensor {layer}", f"tensor {layer}"),
        ("break conv", "op CONV"),
        ("b op POOL", "op POOL"),
        ("break tiu 2", "TIU 2"),
        ("break LOCAL+0:64 write", "at LOCAL+0:64 write"),
        ("break at IO+0", "at IO+0"),
        ("break check", "0 findings"),
        ("break nan", "nan"),
        ("tbreak gdma 2", "GDMA 2"),
        ("watch IO+0:4", "change of IO+0:4"),
        ("watch tiu 1.out", "change of tiu 1.out"),
        ("watch x", "change of x"),
    ):
        assert talk(line).endswith(f": {what}"), line
    assert talk("info breakpoints").count("stopped 0 times") == 14
    assert talk("c").startswith("breakpoint 11, GDMA 2\n1 of")
    assert talk("c").startswith(f"breakpoint 1, layer {layer}; breakpoint 2, layer {layer}\n")
    talk("disable 1 2")
    assert talk("info breakpoints").count("disabled") == 2
    assert "11: GDMA 2" not in talk("info breakpoints")
    talk("enable", "delete 3 4")
    assert "there is no breakpoint 3; there are 1, 2, 5" in talk.refused("delete 3")
    assert talk("delete", "info breakpoints") == "no breakpoints"
    assert "give results with --against" in talk.refused("break mismatch")
    assert "there is no op in this program 'LUT'" in talk.refused("break op lut")
    assert "break where?" in talk.refused("break")
    assert "nothing follows nan, not 'conv'" in talk.refused("break nan conv")


def test_a_planted_weight_is_found_by_comparing(talk: Talk) -> None:
    """Changed in DDR before its load: the first record of its layer is where the run stops, and a script fails."""
    context, wanted = talk.context, talk.built.wanted
    context.debugger.hold_against(wanted)
    assert play(context, ["break mismatch", "continue", "compare"])
    assert not context.faults
    gdma = [turn for turn in context.debugger.program.turns() if turn.engine]
    load = next(turn for turn in gdma if context.operands(turn).get("out", "").endswith(":filter"))
    layer = context.debugger.program.layer(load)
    assert play(context, ["run", f"set gdma {load.at + 1}.in[0,0,0,:4] = -99", "continue"])
    assert context.faults
    assert f"tensor {layer!r} differs in" in context.faults[0]
    assert context.debugger.program.layer(context.debugger.run.past[-1]) == layer
    assert "expected" in talk("compare")
    assert "tensors agree" in talk(f"compare {context.debugger.tensors.names[0]}")


def test_faults_of_the_run_itself_are_counted() -> None:
    made = copy_twice()
    gdma = made.gdma.copy()
    gdma["operands"]["addr"][2, 0] = 1 << 20
    tiu = made.tiu.copy()
    tiu["wait"][2] = len(made.gdma)
    for wrong, why in ((replace(made, gdma=gdma), "fault: GDMA record 3"), (replace(made, tiu=tiu), "deadlock: ")):
        said: list[str] = []
        context = Context(Debugger(wrong, {"x": np.zeros((1, 8, 8, 32), np.int8)}), said.append)
        assert play(context, ["check", "continue", "info waits", "list"])
        assert any(line.startswith(why) for line in said)
        assert len(context.faults) > 1
