"""The debugger's commands, on small networks of one core, of two, and with an op of the host."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compiler.npz import write_npz
from pipeline.commands.debug import play
from pipeline.debugger.context import Context
from pipeline.debugger.shell import ALIASES, COMMANDS, Shell, execute
from pipeline.debugger.words import BadCommand, index, near
from simulator.debugger.session import Debugger
from simulator.isa.table import Region
from tests.simulator.debugger.compiled import built
from tests.simulator.hand_made import copy_twice


class Talk:
    """A session whose answers are kept."""

    def __init__(self, name: str = "one core", groups: dict[str, str] | None = None) -> None:
        self.built = built(name)
        self.said: list[str] = []
        self.context = Context(Debugger(self.built.model, self.built.feeds, groups), self.said.append)

    def __call__(self, *lines: str) -> str:
        """The answers to the last of these lines."""
        for line in lines:
            self.said.clear()
            execute(self.context, line)
        return "\n".join(self.said)

    def refused(self, line: str) -> str:
        """What is said against a line."""
        with pytest.raises(BadCommand) as caught:
            execute(self.context, line)
        return str(caught.value)


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_every_command_has_help_and_a_name_of_its_own(talk: Talk) -> None:
    listed = talk("help")
    for name, command in COMMANDS.items():
        assert name in listed
        assert talk(f"help {name}").startswith(f"{name} {command.usage}".rstrip())
        assert command.about.endswith(".")
    assert not set(ALIASES) & set(COMMANDS)
    assert len(ALIASES) == sum(len(command.aliases) for command in COMMANDS.values())


def test_steps_say_what_comes_next(talk: Talk) -> None:
    first = talk("where").splitlines()[0]
    assert first.startswith("0 of ")
    assert "cycle 0; next: GDMA 1 LOAD" in first
    assert talk("step").startswith("1 of ")
    assert talk("s 2").startswith("3 of ")
    assert talk("back").startswith("2 of ")
    assert talk("back 5").startswith("0 of ")
    assert "next: TIU 1 CONV" in talk("until tiu 1")
    assert "is done" in talk("next")
    assert "at its end" in talk("c")
    assert talk("run").startswith("0 of ")
    assert "hasn't run yet; 'until tiu 2' goes there" in talk.refused("back tiu 2")
    assert "next: TIU 1 CONV" in talk("c", "back tiu 1")
    assert "that has run already" in talk.refused("until gdma 1")


def test_finish_takes_tensors_and_layers(talk: Talk) -> None:
    *_, last = talk.context.debugger.program.by_layer
    assert f"layer {last} is finished" in talk(f"finish {last}")
    assert "layer " in talk("run", "finish")
    y = talk.context.debugger.tensors.names[-1]
    assert "finished" in talk("run", f"finish {y}")
    assert "100.0%" in talk(f"info tensors {y}")
    talk("c")
    assert "what comes next is of no layer" in talk.refused("finish")


def test_groups_are_stepped_where_they_are_known(talk: Talk) -> None:
    assert "which group" in talk.refused("group")
    names = list(talk.context.debugger.program.by_layer)
    grouped = Talk(groups=dict.fromkeys(names, "all"))
    assert "group all is done" in grouped("group")
    assert "; all" in grouped("info layers")


def test_orders_and_engines(talk: Talk) -> None:
    assert talk("order") == "order machine"
    assert talk("order random 3").startswith("order random, seed 3\n0 of")
    assert "there is no order 'times'; near it are time" in talk.refused("order times")
    talk("run", "order machine")
    waits = talk("info waits")
    assert "TIU: 0 of" in waits
    assert "waits for GDMA record" in waits
    assert "=> GDMA: 0 of" in waits
    assert "core 0's TIU record 1 waits for" in talk.refused("step tiu")
    assert talk("step gdma 2").startswith("2 of")
    two = Talk("two cores")
    assert "core 1 GDMA: 1 of" in two("step core 1 gdma", "info waits")
    assert "there is no core 2; the model has 2" in two.refused("step core 2 gdma")
    assert "next: core 1 GDMA 3" in two("until core 1 gdma 3")


def test_host_ops_are_steps_of_their_own() -> None:
    talk = Talk("hosted")
    assert "host QuickGelu c_QuickGelu <- " in talk("until c_QuickGelu")
    assert "waits for the host" in talk("info waits")
    assert talk.refused("step gdma") == "core 0's GDMA waits for the host"
    assert "=> host QuickGelu" in talk("list")
    before = talk("info tensors c_QuickGelu")
    assert before.startswith("  0.0%  c_QuickGelu")
    assert talk("step", "info tensors c_QuickGelu").startswith("100.0%")
    assert "2,304 of 2,304 elements finished" in talk("print c")
    assert "no record comes next" in talk("back", "dis")
    assert talk("break op QuickGelu", "run", "c").startswith("breakpoint 1, op QuickGelu")
    (op,) = talk.built.model.host
    (x,), (y,) = op.inputs, op.outputs
    assert "ahead reads  host QuickGelu" in talk(f"who ACTIVATION+{x.offset}")
    assert "ahead writes host QuickGelu" in talk(f"who ACTIVATION+{y.offset + y.crossing_bytes - 1}")
    assert "host QuickGelu: 4 of 4 bytes changed" in talk(f"watch ACTIVATION+{y.offset}:4", "c")


def test_a_tensor_is_printed_as_far_as_it_is_made(talk: Talk) -> None:
    name = "b_Relu"
    assert talk("print b").splitlines()[1:] == ["  none of 2,304 elements finished yet, in 2 slices"]
    assert "1,152 of 2,304 elements finished" in talk(f"break tensor {name}", "c", "print b")
    assert "-- --]" in talk("print b[1,0,0,:2]")
    assert "there still" in talk("delete", f"finish {name}", "print b")
    shown = talk("c", f"print {name}[1,2,3,4:8]").splitlines()
    assert shown[1] == "  2,304 of 2,304 elements finished"
    assert "; overwritten by " in shown[2]
    assert shown[-2] == f"  stored {talk.built.wanted[name][1, 2, 3, 4:8]}"
    assert "stored [" not in talk(f"print/r {name}")
    assert "real   [" not in talk(f"p/s {name}[0,0]")
    assert "index 9 is out of bounds" in talk.refused(f"print {name}[0,9]")
    assert "is no index" in talk.refused(f"print {name}[a]")
    assert "print what?" in talk.refused("print")
    assert "print/q?" in talk.refused("print/q x")


def test_operands_of_records_are_printed_from_memory(talk: Talk) -> None:
    shown = talk("until tiu 1", "print tiu 1.filter[0,0,0,:3]")
    assert shown.startswith("TIU 1.filter, ")
    assert "i8 [1, 8, 8, 9] at LOCAL+" in shown
    assert "there is no operand 'filtre'; near it are filter; CONV has in, filter, params, out" in talk.refused(
        "print tiu 1.filtre"
    )
    assert "there is no TIU record 99" in talk.refused("print tiu 99.out")


def test_names_that_are_nearly_right(talk: Talk) -> None:
    name = talk.context.debugger.tensors.names[1]
    assert f"there is no tensor '{name}x'; near it are {name}" in talk.refused(f"print {name}x")
    assert "there is no layer" in talk.refused("until nothing")
    assert "there is no command 'brake'; near it are break" in talk.refused("brake x")
    assert "there is no layer, tensor or op 'CONVX'; near it are CONV" in talk.refused("break CONVX")
    assert near("zzz", ["a"], "thing") == "there is no thing 'zzz'"


def test_memory_is_shown_as_bytes_or_numbers(talk: Talk) -> None:
    x = talk.context.debugger.program.model.inputs[0]
    memory = talk.context.debugger.run.state.memories[0].regions[Region.IO]
    row = memory[x.offset : x.offset + 8]
    assert talk(f"x/8 IO+{x.offset}") == f"IO+{x.offset:#06x}: " + " ".join(f"{byte:02x}" for byte in row)
    assert talk(f"x/4i8 io+{x.offset}").endswith(" ".join(str(byte) for byte in row[:4].view(np.int8)))
    assert len(talk("x LOCAL+0:16").splitlines()) == 8
    assert talk("x LOCAL+0x10%7:2") == "LOCAL+0x0010%7: ff ff"
    assert talk("x/2f32 LOCAL+0%0").endswith(": nan nan")
    for line, why in (
        ("x LOCAL+0%8", "there is no lane 8"),
        ("x LOCAL+0x7fff:2", "aren't within LOCAL, which has 32,768"),
        ("x HEAP+0", "is no place"),
        ("x/3q8 LOCAL+0", "there is no type 'q8'"),
    ):
        assert why in talk.refused(line)


def test_who_touches_bytes(talk: Talk) -> None:
    y = talk.context.debugger.program.model.outputs[0]
    assert talk(f"who IO+{y.offset}").startswith("ahead writes GDMA")
    assert talk("c", f"who IO+{y.offset}").startswith("done  writes GDMA")
    said: list[str] = []
    execute(Context(Debugger(copy_twice(), {"x": np.zeros((1, 8, 8, 32), np.int8)}), said.append), "who LOCAL+0x7000")
    assert said == ["no record touches that"]


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


def test_what_is_set_is_computed_with(talk: Talk, tmp_path: Path) -> None:
    talk("set x = 0", "c")
    zeros = talk("p/s y[0,0,0,:4]")
    talk("run", "unset", "c")
    assert talk("p/s y[0,0,0,:4]") != zeros
    talk("run", "set/s x[0] = 0", "set x[1,:,:,:] = 0.0", "c")
    assert talk("p/s y[0,0,0,:4]") == zeros
    assert talk("info changes").startswith("after 0 moments: 2,304 bytes at IO+")
    write_npz(tmp_path / "zeros.npz", {"x": np.zeros((2, 8, 12, 12), np.float32)})
    talk("unset", f"set x = {tmp_path}/zeros.npz", "c")
    assert talk("p/s y[0,0,0,:4]") == zeros
    for line, why in (
        ("set x[0,0,0,0] = red", "neither numbers nor an .npz"),
        ("set x[0,0,0,:3] = 1 2", "2 numbers for x of [3]"),
        ("set/s x = 1000", "stored numbers are whole, "),
        ("set nothing = 1", "there is no tensor 'nothing'"),
        ("set x", "write 'set TENSOR[INDEX] = 0.5'"),
        ("set LOCAL+0:2 = ff", "1 bytes for 2"),
        ("set LOCAL+0 = zz", "isn't bytes in hex"),
    ):
        assert why in talk.refused(line), line
    talk("run")
    assert "nothing of y_MaxPool is in memory now" in talk.refused("set y = 0")


def test_bytes_and_operands_are_set(talk: Talk) -> None:
    assert talk("set LOCAL+0:2 = 12 ab", "x/2 LOCAL+0%5") == "LOCAL+0x0000%5: 12 ab"
    talk("until tiu 1", "set tiu 1.filter[0,0,0,:] = 5")
    assert "[5 5 5 5 5 5 5 5 5]" in talk("print tiu 1.filter[0,0,0,:]")
    assert "[5 5 5 5 5 5 5 5 5]" not in talk("back", "step", "print tiu 1.filter[0,0,0,:]")


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


def test_lines_that_are_no_command(talk: Talk) -> None:
    assert talk("# nothing") == ""
    assert talk("step # once").startswith("1 of")
    assert "no switch" in talk.refused("step/s")
    assert "nothing follows" in talk.refused("continue 3")
    assert "isn't a whole number" in talk.refused("step many")
    assert "0 times is never" in talk.refused("step 0")
    assert "info about what?" in talk.refused("info weather")
    assert not play(talk.context, ["step", "nonsense", "step"])
    assert execute(talk.context, "quit")
    with pytest.raises(BadCommand, match=r"is no index"):
        index("1:2:3:4")


def test_completion_knows_commands_and_names(talk: Talk) -> None:
    shell = Shell(talk.context)
    assert shell.completenames("co") == ["continue", "compare"]
    assert shell.completenames("he") == ["help"]
    name = talk.context.debugger.tensors.names[-1]
    assert name in shell.completedefault(name[:3], f"print {name[:3]}", 6, 9)
    assert shell.completedefault("tim", "order tim", 6, 9) == ["time"]
    assert shell.completedefault("fin", "help fin", 5, 8) == ["finish"]
    assert shell.completedefault("a", "nonsense a", 9, 10) == []


def test_an_empty_line_repeats_what_ran(talk: Talk) -> None:
    shell = Shell(talk.context)
    for line in ("step 2", "", "where", ""):
        assert not shell.onecmd(line)
    assert talk.context.debugger.run.at == 4
    shell.onecmd("prnt x")
    assert talk.said[-1].startswith("there is no command 'prnt'; near it are print")
    assert shell.onecmd("EOF")
