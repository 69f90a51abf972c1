"""
`bench exact`: does the chip make the very bytes that `tpu.mlir` defines?

For every model and target, every tensor in between included, as scheduled and under random legal tilings; then for each
op of the Tpu dialect at four times the size of an e8 lane. One wrong byte anywhere is a bug.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from compiler.build.builder import Builder
from compiler.build.flow import Target
from compiler.comparison import compare
from compiler.results import Results
from compiler.stages import addr_mlir, chip_results, lg_mlir, sample_model, tpu_results
from pipeline.bench.giants import CHIP, ELEMENTS, GIANTS
from pipeline.bench.report import Row
from pipeline.bench.sketch import Sketch
from pipeline.bench.status import Told

TARGETS = ("x64-f32", "x64-bf16", "x64-f16", "x64-int8", "e8-int8")
CHAIN: Sequence[str] = ("tpu_mlir", "lg_mlir", "addr_mlir", "sample_model", "evaluation_data")
SIDES: Sequence[str] = ("tpu_results", "chip_results")


def model_rows(builder: Builder, model: str, target: str, tilings: int, told: Told) -> Iterator[Row]:
    """A row as scheduled, and one for each random tiling."""
    settings = builder.zoo.settings(model)
    for seed in (None, *range(1, tilings + 1)):
        case = told.at(f"{model}/{target}" + (f"/tiling-{seed}" if seed else ""))
        records = builder.build(replace(settings, seed=seed), Target.parse(target), SIDES, told, show=False)
        yield _row(case, mismatched_bytes({name: record.ref.path for name, record in records.items()}))


def giant_rows(told: Told, names: Sequence[str] = tuple(GIANTS)) -> Iterator[Row]:
    """A row for each op, axis it is stretched along, and mode."""
    for name in names:
        for label, mode, extents in GIANTS[name].cases(name):
            with TemporaryDirectory() as folder:
                sketch = Sketch()
                sketch.save(GIANTS[name].make(sketch, ELEMENTS[mode], extents), mode, Path(folder))
                yield _row(told.at(f"{label}/{CHIP}-{mode}"), compiled_mismatch(Path(folder)))


def compiled_mismatch(folder: Path) -> int:
    """Compile the `tpu.mlir` in a folder for the small chip, run both sides on its `evaluation.npz`, count bytes."""
    inputs = dict.fromkeys(CHAIN, folder)
    tpu_results.run(inputs, {}, folder)
    lg_mlir.run(inputs, {"chip": CHIP, "effort": 1, "seed": None}, folder)
    addr_mlir.run(inputs, {"chip": CHIP}, folder)
    sample_model.run(inputs, {"chip": CHIP}, folder)
    chip_results.run(inputs, {}, folder)
    return mismatched_bytes(dict.fromkeys(SIDES, folder))


def mismatched_bytes(folders: Mapping[str, Path]) -> int:
    """Bytes that differ over all tensors of both sides. Raises Incomplete for a tensor without a partner."""
    tpu, chip = (Results.load(folders[side], side) for side in SIDES)
    return sum(row.mismatched_bytes for row in compare(chip, tpu, ("chip", "tpu"), both_ways=True, stored=True))


def _row(case: str, wrong: int) -> Row:
    return Row(case, "mismatched_bytes", wrong, "bytes")
