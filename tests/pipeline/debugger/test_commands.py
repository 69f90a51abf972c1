"""The debugger's commands, on small networks of one core, of two, and with an op of the host."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.commands.debug import play
from pipeline.debugger.context import Context
from pipeline.debugger.shell import ALIASES, COMMANDS, Shell, execute
from pipeline.debugger.words import BadCommand, index, near
from simulator.debugger.session import Debugger
from simulator.isa.table import Region
from tests.pipeline.debugger.talk import Talk
from tests.simulator.hand_made import copy_twice


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


def test_a_history_that_cannot_be_kept_ends_no_session_badly(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    shell = Shell(talk.context, tmp_path / "file" / "history")
    shell.preloop()
    shell.postloop()
    assert talk.said[-1].startswith("the lines typed aren't kept: ")
