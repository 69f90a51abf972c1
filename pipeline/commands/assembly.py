"""`tpuflow dis` and `tpuflow asm`: a `sample.model` as text, and text as a `sample.model`."""

import json
from pathlib import Path

from compiler import members
from pipeline.display import CONSOLE, NOTES
from simulator.assembly.listing import Choice, columns, listed
from simulator.assembly.read import assembled
from simulator.assembly.write import program
from simulator.checks.check import check
from simulator.isa.parse import Word, chosen
from simulator.isa.table import Engine
from simulator.model_file import Model, read, write

GROUPS = "members.csv"
"""The file beside a built `sample.model` that has the group of each layer."""


class BadChoice(ValueError):
    """Options that don't go together or name what isn't there; the message says what to give."""


def dis(
    path: Path, layer: str, core: int | None, engine: str, group: str, groups: Path | None,
    cycles: bool, plain: bool, as_json: bool,
) -> None:  # fmt: skip
    """Print a model's records: in columns, as JSON, or `plain`, as the assembler reads them."""
    model = read(path)
    known = _groups(path, groups)
    if group and not known:
        raise BadChoice(f"there is no {GROUPS} beside {path} to find group {group!r} in; name one by --groups")
    named = Engine[chosen(Word(engine.upper(), 1), Engine.__members__, "engine")] if engine else None
    choice = Choice(layer, core, named, group)
    if plain:
        _plain(path, model, choice)
        return
    lines = listed(model, choice, known, timed=cycles)
    if as_json:
        records = [line.as_dict() for line in lines]
        print(json.dumps({"chip": model.chip.name, "mode": model.mode, "records": records}))
        return
    for line in columns(lines):
        print(line)


def asm(source: Path, chip: str, data: Path | None, output: Path) -> None:
    """Make a model of a program's text, and say what the checks find in it."""
    model = assembled(source.read_text(encoding="utf-8").splitlines(), source, chip, data)
    write(model, output)
    for finding in check(model):
        NOTES.print(str(finding), markup=False, highlight=False, soft_wrap=True)
    records = sum(len(streams.of(engine)) for streams in model.cores for engine in Engine)
    CONSOLE.print(f"{output}: {records} records for {model.chip.name}", highlight=False)


def _plain(path: Path, model: Model, choice: Choice) -> None:
    """The whole program, which can be assembled again."""
    if choice != Choice():
        raise BadChoice("--plain is a whole program, to be assembled again; leave the other choices, or leave --plain")
    for line in program(model, str(path.resolve())):
        print(line)


def _groups(path: Path, given: Path | None) -> dict[str, str]:
    beside = given or path.parent / GROUPS
    return members.read(beside) if given or beside.is_file() else {}
