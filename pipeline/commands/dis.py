"""`tpuflow dis`: a `sample.model` as text, for people, for programs, and for `tpuflow asm`."""

import json
from pathlib import Path

from compiler import members
from simulator.assembly.listing import Choice, columns, listed
from simulator.assembly.write import program
from simulator.isa.parse import Word, chosen
from simulator.isa.table import Engine
from simulator.model_file import Model, read


class BadChoice(ValueError):
    """Options that don't go together or name what isn't there; the message says what to give."""


def dis(
    path: Path, layer: str, core: int | None, engine: str, group: str, groups: Path | None,
    cycles: bool, plain: bool, as_json: bool,
) -> None:  # fmt: skip
    """Print a model's records: in columns, as JSON, or `plain`, as the assembler reads them."""
    model = read(path)
    known = members.read(groups) if groups else members.beside(path)
    if group and not known:
        raise BadChoice(f"there is no {members.NAME} beside {path} to find group {group!r} in; name one by --groups")
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


def _plain(path: Path, model: Model, choice: Choice) -> None:
    """The whole program, which can be assembled again."""
    if choice != Choice():
        raise BadChoice("--plain is a whole program, to be assembled again; leave the other choices, or leave --plain")
    for line in program(model, str(path.absolute())):
        print(line)
