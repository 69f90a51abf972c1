"""Whole programs as text and back, and as a table for people."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from simulator.assembly.listing import Choice, NoCommand, NoSuchPart, columns, listed
from simulator.assembly.read import assembled
from simulator.assembly.write import program
from simulator.isa.parse import AssemblyError
from simulator.isa.record import RECORD, Command, encode
from simulator.isa.table import DType, Engine, Region
from simulator.model_file import Model, Tensor, read, write
from simulator.runtime import PyRuntime
from tests.compiler.host.built import compiled
from tests.compiler.host.built import model as onnx_model
from tests.compiler.host.built import tensor as of_type
from tests.simulator.hand_made import copy_twice, far, local, model
from tests.simulator.test_model_file import MODEL
from tests.simulator.test_naming import network, tensor
from tests.simulator.two_cores import halves

NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=6)


def parted() -> Model:
    """Two stretches of both streams with two host ops between them, and one after."""
    tiu, gdma = [Command("NOP"), Command("END"), Command("END", wait=1)], [Command("DMA_END")] * 2
    chip, host = MODEL.parts
    first, later = replace(chip, tiu=(0, 2), gdma=(0, 1)), replace(chip, tiu=(2, 3), gdma=(1, 2))
    return replace(MODEL, tiu=encode(tiu), gdma=encode(gdma), subnets=(first, host, host, later, host), tensors=())


PROGRAMS = {
    "one core": copy_twice(),
    "a debug map": network(),
    "two cores": halves(),
    "host ops": parted(),
    "chip subnets side by side": replace(
        parted(), subnets=tuple(part for part in parted().parts if part not in parted().host)
    ),
    "slices elsewhere": replace(
        copy_twice(),
        tensors=(
            tensor("x", 0, far(Region.IO, 0, (1, 8, 4, 32)), Engine.GDMA),
            replace(tensor('a;b "c', 1, local(64, (1, 8, 4, 32))), scale=(0.5, 1e-12), axis=1, internal=True),
            Tensor("view", (), DType.NONE, folded_into="x = y", held="object"),
        ),
    ),
}


def saved(given: Model, path: Path) -> Path:
    write(given, path)
    return path


@pytest.mark.parametrize("name", PROGRAMS)
def test_text_assembles_to_the_same_file(name: str, tmp_path: Path) -> None:
    """The whole file, byte for byte: streams, manifest, weights, host ops and debug map."""
    path = saved(PROGRAMS[name], tmp_path / "sample.model")
    lines = list(program(read(path), "sample.model"))
    again = assembled(lines, tmp_path / "program.tpuasm")
    assert list(program(again, "sample.model")) == lines
    assert saved(again, tmp_path / "again.model").read_bytes() == path.read_bytes()


def test_a_compiled_program_does_too(tmp_path: Path) -> None:
    """One whose Concat has the slices of a later op before those of an earlier one."""
    weights = {"w": np.ones((8, 8, 1, 1), np.float32)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("Conv", ["a", "w"], ["b"]),
        helper.make_node("Concat", ["b", "a"], ["y"], axis=1),
    ]  # fmt: skip
    network = onnx_model(nodes, [of_type("x", 1, 8, 4, 4)], [of_type("y", 1, 16, 4, 4)], weights)
    compiled(network, {"x": np.ones((1, 8, 4, 4), np.float32)}, tmp_path, "bf16", "e8")
    path = tmp_path / "sample.model"
    again = assembled(list(program(read(path), str(path))), tmp_path / "program.tpuasm")
    assert saved(again, tmp_path / "again.model").read_bytes() == path.read_bytes()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(min_size=256, max_size=256), max_size=3), st.lists(NAMES, max_size=3, unique=True))
def test_damaged_records_and_any_names_come_back(raw: list[bytes], names: list[str]) -> None:
    tiu = np.frombuffer(b"".join(raw), RECORD)
    given = replace(
        copy_twice(), tiu=tiu, layers=names, weights=np.zeros(0, np.uint8),
        tensors=[tensor(name, 0, local(0, (1, 8, 4, 32))) for name in names],
    )  # fmt: skip
    again = assembled(program(given, ""), Path())
    assert again.tiu.tobytes() == tiu.tobytes()
    assert list(again.layers) == [each.name for each in again.tensors] == names


def test_a_program_by_hand_runs(tmp_path: Path) -> None:
    """Written from nothing, with weights from a file of bytes: y = x + w."""
    np.arange(32, dtype=np.int8).tofile(tmp_path / "weights.bin")
    text = """
        .chip e8            ; the smallest
        .data "weights.bin"
        .io_bytes 64
        .input x i8(1,1,1,32)+0
        .output y i8(1,1,1,32)+32
        .layer sum
        .core 0 TIU
        ARITH.add wait=2 out=i8(1,1,1,32)@LOCAL+0/0,0,0,1 a=i8(1,1,1,32)@LOCAL+0/0,0,0,1 b=i8(1,1,1,32)@LOCAL+32/0,0,0,1
        END
        .core 0 GDMA
        LOAD out=i8(1,1,1,32)@LOCAL+0/32,32,32,1 in=i8(1,1,1,32)@IO+0/32,32,32,1
        LOAD out=i8(1,1,1,32)@LOCAL+32/32,32,32,1 in=i8(1,1,1,32)@WEIGHT+0/32,32,32,1
        STORE wait=1 out=i8(1,1,1,32)@IO+32/32,32,32,1 in=i8(1,1,1,32)@LOCAL+0/32,32,32,1
        DMA_END
    """
    made = assembled(text.splitlines(), tmp_path / "sum.tpuasm")
    (y,) = PyRuntime(made).run(None, [np.full((1, 1, 1, 32), 3, np.float32)])
    assert np.array_equal(y.ravel(), np.arange(3, 35))


def test_weights_that_changed_are_noticed(tmp_path: Path) -> None:
    saved(PROGRAMS["one core"], tmp_path / "sample.model")
    lines = list(program(PROGRAMS["one core"], "sample.model"))
    other = replace(PROGRAMS["one core"], weights=np.ones(64, np.uint8))
    saved(other, tmp_path / "sample.model")
    with pytest.raises(
        AssemblyError, match=r"sample\.model has other weights, .*: it was built anew; disassemble it again"
    ):
        assembled(lines, tmp_path / "program.tpuasm")
    unchecked = [line.partition(" sha256")[0] for line in lines]
    assert np.array_equal(assembled(unchecked, tmp_path / "program.tpuasm").weights, other.weights)


def test_waits_by_name() -> None:
    """Before and after the record that they name, on the core's other engine; both engines may use a name."""
    text = """
        .chip x32
        .core 0 TIU
        NOP wait=@b
        a: NOP
        END wait=@a
        .core 0 GDMA
        SEND
        a: SEND wait=@a
        b:
        SEND
        DMA_END
        .core 1 TIU
        END wait=@b
        .core 1 GDMA
        b: DMA_END
    """
    made = assembled(text.splitlines(), Path("waits.tpuasm"))
    waits = [streams.of(engine)["wait"].tolist() for streams in made.cores for engine in Engine]
    assert waits == [[3, 0, 2], [0, 2, 0, 0], [1], [0]]


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("", (1, 1), "no line names the chip; begin with .chip x64, or pass --chip x64"),
        (".chip x46", (1, 7), "no chip is called x46; is x64 meant?"),
        (".chop x64", (1, 1), "no directive is called .chop; is .chip meant?"),
        (".chip", (1, 1), ".chip takes the chip's name; 0 words follow it"),
        ("NOP", (1, 1), "a record belongs to a core's engine; write .core 0 TIU"),
        (".core 0 CPU", (1, 9), "'CPU' isn't one of TIU, GDMA"),
        (".core 0 TIU\nNOPE", (2, 1), "no op is called NOPE; is NOP meant?"),
        ('.data "nowhere.model"', (1, 7), "can't be read .*; write its path from the text's folder, or pass --data"),
        (".io_bytes many", (1, 11), "'many' is no whole number"),
        (".input x i8(1,2)", (1, 10), r"'i8\(1,2\)' isn't type\(extents\)\+byte"),
        (".input x i8(1,b)+0", (1, 10), "'b' is no extent"),
        (".input x i8(1)+0 scale=half", (1, 24), "'half' can't be read; numbers as they are, text in double quotes"),
        (".input x i8(1)+0 scale=true", (1, 24), "scale is a number such as 0.5"),
        (".input x i8(1)+0 scala=1", (1, 18), "no field here is called scala; is scale meant?"),
        (
            ".tensor t i8(1)\n.core 0 TIU\nEND\n.slice u 0:1,0:1,0:1,0:1",
            (4, 8),
            "no tensor is called u; is t meant?|take t",
        ),
        (".tensor t i8(1)\n.core 0 TIU\n.slice t 0:1,0:1,0:1", (3, 10), "isn't n0:n1,c0:c1,h0:h1,w0:w1"),
        (".tensor t i8(1)\n.core 0 TIU\nEND\n.slice t 0:1,0:1,0:1,0:1", (4, 1), "no record with an `out` is above it"),
        (".slice t 0:1,0:1,0:1,0:1", (1, 1), "a slice follows the record that finishes it"),
        (".tensor t i8(1)\n.tensor t i8(1)", (2, 9), "there is a tensor t already"),
        (".chip e8\n.core 0 TIU\na: END\na: END", (4, 1), "record 1 of this stream is called a already"),
        (
            ".chip e8\n.core 0 TIU\nEND wait=@lode\n.core 0 GDMA\nload: SEND\nDMA_END",
            (3, 11),
            "no record of core 0's GDMA is called lode; is load meant?",
        ),
        (
            ".chip e8\n.core 0 TIU\na: NOP wait=@a",
            (3, 14),
            "no record of core 0's GDMA is called a; write a: before one",
        ),
        (".host 1", (1, 7), "the .data model has 0 host ops, counted from 1"),
    ],
)
def test_a_bad_program_is_named(text: str, where: tuple[int, int], message: str) -> None:
    with pytest.raises(AssemblyError, match=message) as caught:
        assembled(text.splitlines(), Path("a.tpuasm"))
    assert (caught.value.line, caught.value.column) == where
    assert str(caught.value).startswith(f"a.tpuasm: line {where[0]}, column {where[1]}: ")


def test_a_listing_is_readable() -> None:
    groups = {"conv1": "g", "doubled": "g"}
    lines = list(columns(listed(network(), Choice(layer="doubled"), groups, timed=True)))
    assert lines == [
        "core 0 TIU",
        "record  start  cycles  wait  op         layer    group  operands",
        "     3    938     120        ARITH.add  doubled  g      out=doubled i8(1,8,4,32)@LOCAL+12288"
        "  a=conv1 i8(1,8,4,32)@LOCAL+4096  b=conv1 i8(1,8,4,32)@LOCAL+4096",
        "     4   1058     160        ARITH.max  doubled  g      out=doubled i8(1,8,4,32)@LOCAL+12288"
        "  a=doubled i8(1,8,4,32)@LOCAL+12288  b=doubled i8(1,8,4,32)@LOCAL+12288",
        "",
        "core 0 GDMA",
        "record  start  cycles  wait  op     layer    group  operands",
        "     4   1218     176     4  STORE  doubled  g      out=doubled i8(1,8,4,32)@ACTIVATION+0"
        "  in=doubled i8(1,8,4,32)@LOCAL+12288",
        "",
    ]


def test_what_is_chosen_is_listed() -> None:
    def records(choice: Choice) -> list[tuple[int, str, int]]:
        return [(line.core, line.engine.name, line.record) for line in listed(halves(), choice, {"halves": "g"})]

    both = [
        (core, engine, 1 + i) for core in range(2) for engine, count in (("TIU", 3), ("GDMA", 7)) for i in range(count)
    ]
    assert records(Choice()) == both
    assert records(Choice(core=1, engine=Engine.TIU)) == [(1, "TIU", 1), (1, "TIU", 2), (1, "TIU", 3)]
    assert records(Choice(group="g", engine=Engine.TIU)) == [(core, "TIU", i) for core in range(2) for i in (1, 2)]
    for wrong, message in (
        (Choice(core=2), "there is no core 2: the program has 2, counted from 0"),
        (Choice(layer="half"), "no layer is called 'half'; the nearest are halves"),
        (Choice(group="other"), "no group is called 'other'; none is near it"),
    ):
        with pytest.raises(NoSuchPart, match=message):
            records(wrong)


def test_a_record_that_says_nothing_is_named() -> None:
    given = copy_twice()
    given.gdma["op"][2] = 77
    with pytest.raises(NoCommand, match="core 0 GDMA record 3: no op has code 77; tpuflow dis --plain shows its bytes"):
        list(listed(given, Choice(), {}))


def test_json_holds_all_of_a_record() -> None:
    clamp = Command(
        "ARITH", {"out": local(0, (1, 8, 1, 1)), "a": local(0, (1, 8, 1, 1))}, {"scalar": float("-inf")}, "abs"
    )
    (line,) = listed(model([clamp], ()), Choice(layer="layer"), {})
    held = json.loads(json.dumps(line.as_dict(), allow_nan=False))
    assert (held["op"], held["function"]) == ("ARITH", "abs")
    assert held["params"] == {"scalar": "-inf", "whole": 0}
    assert held["operands"]["out"] == {
        "tensor": "layer:step", "type": "i8", "region": "LOCAL", "address": 0, "lane": 0, "dims": [1, 8, 1, 1],
        "strides": [1, 1, 1, 1],
    }  # fmt: skip
