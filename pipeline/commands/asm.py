"""`tpuflow asm`: text as a `sample.model`."""

from pathlib import Path

from pipeline.display import CONSOLE, NOTES
from simulator.assembly.read import assembled
from simulator.checks.check import check
from simulator.isa.parse import AssemblyError
from simulator.isa.table import Engine
from simulator.model_file import write


def asm(source: Path, chip: str, data: Path | None, output: Path) -> None:
    """Make a model of a program's text, and say what the checks find in it."""
    model = assembled(_text(source).splitlines(), source, chip, data)
    write(model, output)
    for finding in check(model):
        NOTES.print(str(finding), markup=False, highlight=False, soft_wrap=True)
    records = sum(len(streams.of(engine)) for streams in model.cores for engine in Engine)
    CONSOLE.print(f"{output}: {records} records for {model.chip.name}", highlight=False)


def _text(source: Path) -> str:
    """What a file says. Raises AssemblyError if it is no text."""
    held = source.read_bytes()
    try:
        return held.decode()
    except UnicodeDecodeError as error:
        line, column = held.count(b"\n", 0, error.start) + 1, error.start - held.rfind(b"\n", 0, error.start)
        raise AssemblyError(
            f"{source}: ", line, column, "that isn't UTF-8; tpuflow dis --plain makes a text"
        ) from error
