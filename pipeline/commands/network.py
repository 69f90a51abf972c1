"""`tpuflow opt` and `tpuflow compare`: passes over a network on disk, and two runs held together."""

from dataclasses import asdict
from pathlib import Path

from compiler import opt
from compiler.comparison import compare as compared
from compiler.dialects.quant import Quant
from compiler.dialects.top.ops import Top
from compiler.dialects.tpu.ops import Tpu
from compiler.ir import files, text
from compiler.npz import read_npz
from compiler.results import Results
from pipeline.display import CONSOLE, table

ALL = "canonicalize"
"""Stands for every pass, in the order of the `canonical_mlir` stage."""


def optimise(pipeline: str, path: Path, output: Path | None) -> None:
    """Run a pipeline of passes; print the network, or write it and its weights beside `output`. Raises PassError."""
    wanted = opt.passes(opt.CANONICALIZE if pipeline == ALL else pipeline)
    network = files.load(path.parent, path.stem, Top, Tpu, Quant)
    opt.run(network, wanted)
    if output is None:
        print(text.write(network.module), end="")
    else:
        files.save(network, output.parent, output.stem)


def compare(first: Path, second: Path, worst: int) -> None:
    """Print the `worst` tensors of `first` by likeness to those of `second`, and the totals. Raises Incomplete."""
    rows = compared(_results(first), _results(second), (first.stem, second.stem))
    shown = sorted(rows, key=lambda row: (row.sqnr_db, -row.mismatched_bytes))[:worst]
    columns = ("tensor", "elements", "cosine", "euclid", "sqnr_db", "max_error", "mismatched_bytes")
    CONSOLE.print(table([{name: asdict(row)[name] for name in columns} for row in shown]))
    differing = [row for row in rows if row.mismatched_bytes]
    total = sum(row.mismatched_bytes for row in differing)
    CONSOLE.print(f"{len(rows)} tensors compared, {len(differing)} differ, in {total:,} bytes")


def _results(path: Path) -> Results:
    """A run as a stage wrote it, or a plain `.npz` of floats."""
    if path.with_suffix(".json").is_file():
        return Results.load(path.parent, path.stem)
    return Results(read_npz(path), {})
