"""`tpuflow asm`: text as a `sample.model`."""

from pathlib import Path

from pipeline.display import CONSOLE, NOTES
from simulator.assembly.read import assembled
from simulator.checks.check import check
from simulator.isa.table import Engine
from simulator.model_file import write


def asm(source: Path, chip: str, data: Path | None, output: Path) -> None:
    """Make a model of a program's text, and say what the checks find in it."""
    model = assembled(source.read_text(encoding="utf-8").splitlines(), source, chip, data)
    write(model, output)
    for finding in check(model):
        NOTES.print(str(finding), markup=False, highlight=False, soft_wrap=True)
    records = sum(len(streams.of(engine)) for streams in model.cores for engine in Engine)
    CONSOLE.print(f"{output}: {records} records for {model.chip.name}", highlight=False)
