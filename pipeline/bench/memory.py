"""
`bench memory`: the memory that activations take against the most bytes that live at once, and the packer's own cases.

MiniMalloc's eleven cases (github.com/google/minimalloc, benchmarks) aren't part of this repository: `A.1048576.csv` and
so on are read from a folder; their names end in the capacity.
"""

import csv
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from compiler.build.builder import Builder
from compiler.build.flow import Target
from compiler.dialects.quant import Quant
from compiler.dialects.structure import Structure
from compiler.dialects.tpu.ops import Tpu
from compiler.ir import files
from compiler.schedule.addresses import assign
from compiler.schedule.exact import Exact
from compiler.schedule.lifetimes import Lifetime
from pipeline.bench.report import Row
from pipeline.bench.status import Told

TARGETS = ("x64-int8", "e16-int8", "e8-int8")

CASES = tuple(f"{letter}.1048576" for letter in "ABCDEFGHIJK")

NODES = 4_000_000
"""Of the search for each of them; it takes about a minute."""


def model_rows(builder: Builder, model: str, target: str, told: Told) -> Iterator[Row]:
    """The peak over the lower bound, and the CPU seconds it takes to address the divided network."""
    case = told.at(f"{model}/{target}")
    records = builder.build(builder.zoo.settings(model), Target.parse(target), ("lg_mlir",), told, show=False)
    network = files.load(records["lg_mlir"].ref.path, "lg", Structure, Tpu, Quant)
    begun = time.process_time()
    packing = assign(network)
    taken = time.process_time() - begun
    yield Row(case, "peak_over_lower_bound", packing.peak / packing.bound if packing.bound else 1.0, "ratio")
    yield Row(case, "activation_peak", packing.peak, "bytes")
    yield Row(case, "cpu_s", round(taken, 3), "s")


def case_rows(folder: Path | None, told: Told) -> Iterator[Row]:
    """Of each case that is there whether it fits in its capacity, and the CPU seconds to tell; then how many aren't."""
    absent = 0
    for name in CASES:
        path, case = (folder or Path()) / f"{name}.csv", told.at(f"minimalloc/{name}")
        if folder is None or not path.is_file():
            absent += 1
            continue
        with path.open(newline="", encoding="utf-8") as table:
            wanted = [Lifetime(int(r["lower"]), int(r["upper"]), int(r["size"])) for r in csv.DictReader(table)]
        begun = time.process_time()
        offsets, _ = Exact(wanted).fitting(int(name.partition(".")[2]), NODES)
        yield Row(case, "solved", int(offsets is not None), "count")
        yield Row(case, "cpu_s", round(time.process_time() - begun, 3), "s")
    yield Row("minimalloc", "absent", absent, "count")


def failed(rows: Sequence[Row]) -> bool:
    """Whether a network takes more memory than it must, or a case that is there isn't solved."""
    peaks = [row.value for row in rows if row.metric == "peak_over_lower_bound"]
    return any(peak > 1 for peak in peaks) or any(row.metric == "solved" and not row.value for row in rows)
