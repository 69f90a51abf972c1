"""`tpuflow zoo`: what is in the zoo, and putting something new there."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assets.workshop import Workshop
from assets.zoo import record
from assets.zoo.add import Wishes
from assets.zoo.add import add as write
from assets.zoo.complaint import Faulty, shown
from assets.zoo.examine import faults
from assets.zoo.fields import Record
from assets.zoo.origins import Built, Packaged
from compiler.build.builder import Builder, partition_of
from compiler.build.flow import TARGETS, Target
from pipeline.display import CONSOLE, table


class BadShape(ValueError):
    """An input's extents are not written as name=1,3,224,224."""


def shapes(texts: Sequence[str]) -> dict[str, list[int]]:
    """Extents by input from `name=1,3,224,224`; a name may have an equals sign itself. Raises BadShape."""
    made: dict[str, list[int]] = {}
    for text in texts:
        name, _, extents = text.rpartition("=")
        if not name or not all(part.strip().isdigit() and int(part) for part in extents.split(",")):
            raise BadShape(f"--input {text}: write it as name=1,3,224,224, every extent a number above 0")
        made[name] = [int(part) for part in extents.split(",")]
    return made


def add(model: Path, into: Path | None, wishes: Wishes) -> None:
    """Write the record and say what to do next. Raises what `assets.zoo.add.add` does."""
    folder = into or record.own_folder()
    made = write(model, folder, wishes)
    seen = made.look
    CONSOLE.print(f"{shown(made.path)}: {seen.nodes} nodes, {seen.parameters:,} parameters, {seen.macs:,} MACs")
    CONSOLE.print("Look through it: comments say what was guessed. Then:")
    if folder.resolve() != record.own_folder().resolve():
        CONSOLE.print(f"  export TPUFLOW_MODELS={folder}")
    CONSOLE.print(f"  tpuflow zoo check {made.path.stem}")
    CONSOLE.print(f"  tpuflow build {made.path.stem} -t x64-int8")
    CONSOLE.print("In the UI, the sensor `newcomers` builds it by itself.")


def listed() -> None:
    """A row for each model; an own record that can't be read has its fault in place of the fields."""
    builder = Workshop().builder
    rows = [_row(builder, model) for model in sorted({*builder.zoo.names(), *record.optional()})]
    CONSOLE.print(table(rows))
    for path in record.own_records():
        try:
            record.read_file(path)
        except Faulty as error:
            CONSOLE.print(f"not a model: {error}", style="red", markup=False)


def check(models: Sequence[str]) -> None:
    """Say of each model whether it is sound. Raises Faulty with all that is wrong, UnknownModel."""
    paths = [*record.RECORDS.glob("*.yaml"), *record.own_records()]
    chosen = [_record(model) for model in models] or sorted(paths)
    found = {path: faults(path) for path in chosen}
    for path in (path for path, wrong in found.items() if not wrong):
        CONSOLE.print(f"{path.stem}: sound", markup=False)
    if any(found.values()):
        raise Faulty(*(fault for wrong in found.values() for fault in wrong))


def _record(model: str) -> Path:
    """The model's record, which may be unsound. Raises UnknownModel."""
    path = record.path_of(model)
    if not path.is_file():
        record.read(model)
    return path


def _row(builder: Builder, model: str) -> dict[str, Any]:
    held = record.read(model)
    return {
        "model": model,
        "from": _origin(held),
        "licence": held.licence.partition(" (")[0],
        "inputs": " ".join(f"{name}[{','.join(map(str, extents))}]" for name, extents in held.inputs.items()),
        "macs": _macs(builder, model),
        "metric": held.evaluation.metric or "–",
        "targets": "optional" if held.optional else " ".join(held.targets),
        "files": "here" if builder.zoo.present(model) else "not made yet",
    }


def _origin(held: Record) -> str:
    match held.source:
        case Packaged(name=name, version=number):
            return f"{name} {number}"
        case Built(builder=builder):
            return f"built {builder}"
        case source:
            return f"{source.kind} {Path(source.file).name}"


def _macs(builder: Builder, model: str) -> int | None:
    """As the last build found them, for whatever target; None before the first."""
    for target in TARGETS:
        shown_there = builder.store.refs(partition_of(model, Target.parse(target))).get("canonical_mlir")
        held = builder.store.get(shown_there.key) if shown_there else None
        if held is not None:
            return held.metadata["macs"]
    return None
