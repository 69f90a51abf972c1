"""What `docs/isa.md` says of each op is what the chip does: its examples, samples, types, lanes, limits and cycles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.assembly.read import assembled
from simulator.chip import CHIPS
from simulator.execute.site import IllegalRecord, Site
from simulator.execute.table import prepared
from simulator.isa.examples import CHIP, Example, Slot, examples, values
from simulator.isa.parse import assemble
from simulator.isa.record import Command, Operand, decode
from simulator.isa.semantics.form import FLOATS
from simulator.isa.semantics.functions import FUNCTIONS
from simulator.isa.semantics.table import SEMANTICS
from simulator.isa.table import ARITHMETIC, BINARY, REAL_ONLY, SPECS, WHOLE_ONLY, DType, Engine, Flag, Region
from simulator.machine import Machine
from simulator.memory import NUMPY, Memory
from simulator.timing import tiu_cycles, transfer, work

E8 = CHIPS[CHIP]
EXAMPLES = [example for made in examples().values() for example in made]
TYPED = [dtype for dtype in DType if dtype != DType.NONE]


def ran(example: Example) -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """What an example's operands hold after it ran, and what they should."""
    cores = assembled(example.program(), Path("example"), CHIP).cores
    memories = [Memory(E8, np.zeros(256, np.uint8), 256, 256)]
    memories += [memories[0].beside() for _ in cores[1:]]

    def operand(slot: Slot) -> Operand:
        found = decode(cores[slot.core].of(slot.engine)[slot.record - 1]).operands[slot.operand]
        assert found is not None, slot
        return found

    for name, text in example.given.items():
        slot = example.slot(name)
        it, part = operand(slot), SEMANTICS[example.op].operands.get(slot.operand)
        array = (
            np.broadcast_to(values(text, NUMPY[it.dtype]).reshape(-1), math.prod(it.dims))
            if " " not in text and (".." not in text)
            else values(text, NUMPY[it.dtype])
        )
        if part is not None and part.lane == "each":
            memories[slot.core].in_each_lane(it)[...] = array.reshape(it.dims[0], *it.dims[2:])
        else:
            memories[slot.core].place(it).scatter(array.reshape(it.dims))
    Machine(memories, cores).run()
    held = {name: example.slot(name) for name in example.makes}
    return {
        name: (
            memories[slot.core].place(operand(slot)).gather().ravel(),
            values(example.makes[name], NUMPY[operand(slot).dtype]),
        )
        for name, slot in held.items()
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.op}: {example.title}")
def test_examples_run(example: Example) -> None:
    for name, (seen, said) in ran(example).items():
        assert seen.tobytes() == said.tobytes(), f"{name}: {' '.join(map(str, seen))}"


def test_every_op_has_an_example_and_a_meaning() -> None:
    assert SEMANTICS.keys() == SPECS.keys() == examples().keys()
    for op, spec in SPECS.items():
        assert tuple(SEMANTICS[op].operands) == spec.operands
        assert SEMANTICS[op].limits.keys() <= {param.name for param in spec.params}
        assert all(op in example.text for example in examples()[op])
        assert (SEMANTICS[op].worked is not None) == bool(spec.operands)


@pytest.mark.parametrize("name", ARITHMETIC)
def test_functions_have_their_samples(name: str) -> None:
    function = FUNCTIONS[name]
    assert bool(function.real) == (name not in WHOLE_ONLY)
    assert bool(function.whole) == (name not in REAL_ONLY)
    for sample, dtype in ((function.real_sample, "f32"), (function.whole_sample, "i32")):
        if sample:
            operands, said = sample.split(" → ")
            one = f"{dtype}(1,1,1,1)@LOCAL+{{}}/4,4,4,4"
            names = dict(zip("ab", operands.split(), strict=name in BINARY))
            read = " ".join(f"{key}={one.format(64 * i + 64)}" for i, key in enumerate(names))
            example = Example("ARITH", name, f"ARITH.{name} out={one.format(0)} {read}", names, {"out": said})
            ((seen, meant),) = ran(example).values()
            assert seen.tobytes() == meant.tobytes(), seen


@pytest.mark.parametrize("op", [op for op, meaning in SEMANTICS.items() if meaning.worked])
def test_worked_figures_are_right(op: str) -> None:
    worked = SEMANTICS[op].worked
    assert worked is not None
    chip, command = CHIPS[worked.chip], decode(assemble([worked.record])[0])
    assert command.op == op
    legal(command, Memory(chip, np.zeros(1 << 25, np.uint8), 1 << 20, 1 << 20))
    written = worked.expression.replace("·", "*").replace("⌈", "math.ceil(").replace("⌉", ")")
    figure = eval(written, {"math": math, "max": max})
    if SPECS[op].engine == Engine.TIU:
        assert figure == work(command, chip)
        assert tiu_cycles(figure) == 24 + figure
    else:
        assert 16 + figure == transfer(command, chip).occupancy


def legal(command: Command, memory: Memory) -> None:
    prepared(Site(command, 1, memory, {}))


def refused(command: Command) -> bool:
    try:
        legal(command, Memory(E8, np.zeros(1 << 14, np.uint8), 1 << 14, 1 << 14))
    except IllegalRecord:
        return True
    return False


def bases(op: str) -> Iterator[Command]:
    """The op's records in its examples, also with accumulators left and without scalars; numbers that suit any type."""
    for example in examples()[op]:
        for command in map(decode, assemble(line for line in example.text.splitlines() if line.startswith(op))):
            plain = {name: 0 for name in ("zx", "zy", "za", "zb", "zero") if name in command.params}
            clamp = {"low": 0, "high": 1} if "low" in command.params else {}
            yield replace(command, params={**command.params, **plain, **clamp})
            out = command.operands.get("out")
            if "acc" in command.operands and out is not None:
                first = command.operands.get("in") or command.operands["a"]
                assert first is not None
                held = DType.F32 if first.dtype in FLOATS else DType.I32
                kept = {**command.operands, "out": None, "params": None, "acc": as_type(out, held)}
                yield replace(command, params={**command.params, **plain, **clamp}, operands=kept, flags=Flag.ACC_OUT)


def as_type(operand: Operand, dtype: DType) -> Operand:
    a, b, c, d = (stride // operand.dtype.itemsize * dtype.itemsize for stride in operand.strides)
    return replace(operand, dtype=dtype, strides=(a, b, c, d), addr=4 * operand.addr)


def variants(command: Command) -> Iterator[Command]:
    """The record with other forms of its parameters: of one number, of three, none."""
    params = command.operands.get("params")
    yield command
    if params is not None and command.op not in ("POOL",):
        n, c, h, _ = params.dims
        yield replace(command, operands={**command.operands, "params": replace(params, dims=(n, c, h, 1))})
        yield replace(command, operands={**command.operands, "params": None})


@pytest.mark.parametrize("op", [op for op, spec in SPECS.items() if spec.operands])
def test_types_are_those_that_the_chip_takes(op: str) -> None:
    """Every type that an operand may have goes with some types of the others; none else does."""
    taken: dict[str, set[DType]] = {name: set() for name in SPECS[op].operands}
    for base in bases(op):
        for command in variants(base):
            there = {name: operand for name, operand in command.operands.items() if operand is not None}
            others = [name for name in there if name != "params"]
            kinds = TYPED if "params" in there else TYPED[:1]
            for types in product(TYPED, repeat=len(others)):
                retyped = {name: as_type(there[name], dtype) for name, dtype in zip(others, types, strict=True)}
                fitting = [dtype for dtype in kinds if not refused(with_params(command, retyped, there, dtype))]
                for name, operand in retyped.items() if fitting else ():
                    taken[name].add(operand.dtype)
                if len(fitting) < len(kinds):  # Else these operands leave params unread, and it may be anything.
                    taken.setdefault("params", set()).update(fitting)
    if "params" not in SPECS[op].operands:
        taken.pop("params", None)
    assert taken == {name: set(part.types) for name, part in SEMANTICS[op].operands.items()}


@pytest.mark.parametrize("op", [op for op, spec in SPECS.items() if spec.operands])
def test_regions_lanes_and_limits_are_the_chips(op: str) -> None:
    meaning = SEMANTICS[op]
    for command in bases(op):
        there = {name: operand for name, operand in command.operands.items() if operand is not None}
        for name, operand in there.items():
            part = meaning.operands[name]
            for region in Region:
                moved = replace(operand, region=region)
                assert refused(with_operands(command, {name: moved})) == (region not in part.regions), (name, region)
            if part.lane in ("any", "same") and name not in ("out", "acc"):
                moved = with_operands(command, {name: replace(operand, lane=operand.lane + 1)})
                assert refused(moved) == (part.lane == "same"), (name, "lane")
        result = {name for name in there if name in ("out", "acc") or meaning.operands[name].lane == "same"}
        if any(meaning.operands[name].lane in ("any", "same") for name in result):
            local = {name: there[name] for name in result if there[name].region == Region.LOCAL}
            shifted = {name: replace(operand, lane=operand.lane + 1) for name, operand in local.items()}
            assert not refused(with_operands(command, shifted))
    numbered = {param: limits for param, limits in meaning.limits.items() if not isinstance(limits, str)}
    for param, (least, most) in numbered.items():
        for value in {least - 1, most + 1} - {-1, 65536}:
            spoilt = [replace(command, params={**command.params, param: value}) for command in bases(op)]
            assert any(map(refused, spoilt)), (param, value)


FREE = {
    "CONV": {"in": "hw"}, "DWCONV": {"in": "hw"}, "POOL": {"in": "hw", "params": "h"}, "REDUCE": {"in": "hw"},
    "LUT": {"table": "h"}, "RESAMPLE": {"in": "hw", "table": "w"}, "GATHER": {"in": "h"}, "SCATTER": {"out": "h"},
    "UNPACK": {"out": "nchw", "in": "w"},
}  # fmt: skip
"""The axes on which an operand of an example may be longer while the others stay as they are."""


@pytest.mark.parametrize("op", [op for op, spec in SPECS.items() if spec.operands])
def test_extents_go_together(op: str) -> None:
    """One extent of one operand alone can't be longer, where its letter is another's too."""
    for command in bases(op):
        for name, operand in command.operands.items():
            for axis, letter in enumerate("nchw" if operand is not None else ""):
                if operand is not None and letter not in FREE.get(op, {}).get(name, ""):
                    n, c, h, w = (extent + (i == axis) for i, extent in enumerate(operand.dims))
                    strides = (4096, 2048, 64, operand.dtype.itemsize)
                    longer = replace(operand, dims=(n, c, h, w), strides=strides)
                    assert refused(with_operands(command, {name: longer})), (name, letter)


@pytest.mark.parametrize("op", SPECS)
def test_flags_that_mean_nothing_are_refused(op: str) -> None:
    for command in bases(op):
        for flag in (flag for flag in Flag if flag and flag not in SPECS[op].flags):
            assert refused(replace(command, flags=command.flags | flag)), flag


def with_params(command: Command, others: dict[str, Operand], there: dict[str, Operand], dtype: DType) -> Command:
    params = {"params": as_type(there["params"], dtype)} if "params" in there else {}
    return replace(command, operands={**others, **params})


def with_operands(command: Command, changed: dict[str, Operand]) -> Command:
    return replace(command, operands={**command.operands, **changed})
