"""
`bench exact`: does the chip make the very bytes that `tpu.mlir` defines?

For every model and target, every tensor in between included, as scheduled and under random legal tilings; then so for
each op of the Tpu dialect at four times the size of an e8 lane. One wrong byte anywhere is a bug.
"""

from collections.abc import Iterator, Sequence
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
EFFORT = 1
"""Of the search for a schedule where no settings say it."""

SIDES = ("tpu_results", "chip_results")


def model_rows(builder: Builder, model: str, target: str, tilings: int, told: Told) -> Iterator[Row]:
    """A row as scheduled, and one for each random tiling, of which the store keeps nothing."""
    settings, chip = builder.zoo.settings(model), Target.parse(target).chip
    case = told.at(f"{model}/{target}")
    records = builder.build(settings, Target.parse(target), (*SIDES, "tpu_mlir"), told, show=False)
    made = {name: record.ref.path for name, record in records.items()}
    yield _row(case, mismatched_bytes(made["tpu_results"], made["chip_results"]))
    data = builder.zoo.files(model)["evaluation_data"]
    for seed in range(1, tilings + 1):
        wrong = compiled_mismatch(made["tpu_mlir"], data, made["tpu_results"], chip, seed)
        yield _row(told.at(f"{case}/tiling-{seed}"), wrong)


def giant_rows(told: Told, tilings: int, names: Sequence[str] = tuple(GIANTS)) -> Iterator[Row]:
    """For each op, axis it is stretched along and mode: a row as scheduled, and one for each random tiling."""
    for name in names:
        for label, mode, extents in GIANTS[name].cases(name):
            case = told.at(f"{label}/{CHIP}-{mode}")
            with TemporaryDirectory() as made:
                folder = Path(made)
                sketch = Sketch()
                sketch.save(GIANTS[name].make(sketch, ELEMENTS[mode], extents), mode, folder)
                tpu_results.run({"tpu_mlir": folder, "evaluation_data": folder}, {}, folder)
                yield _row(case, compiled_mismatch(folder, folder, folder, CHIP, None))
                for seed in range(1, tilings + 1):
                    yield _row(f"{case}/tiling-{seed}", compiled_mismatch(folder, folder, folder, CHIP, seed))


def compiled_mismatch(tpu_mlir: Path, data: Path, expected: Path, chip: str, seed: int | None) -> int:
    """Every stage from `tpu_mlir` to chip results in a folder of their own; the bytes that aren't `expected`."""
    with TemporaryDirectory() as made:
        out = Path(made)
        inputs = {"tpu_mlir": tpu_mlir, "evaluation_data": data, "lg_mlir": out, "addr_mlir": out, "sample_model": out}
        for stage in (lg_mlir, addr_mlir, sample_model, chip_results):
            stage.run(inputs, {"chip": chip, "effort": EFFORT, "seed": seed}, out)
        return mismatched_bytes(expected, out)


def mismatched_bytes(tpu: Path, chip: Path) -> int:
    """Bytes that differ over all tensors of two artifacts. Raises Incomplete for a tensor without a partner."""
    sides = Results.load(tpu, "tpu_results"), Results.load(chip, "chip_results")
    rows = compare(sides[1], sides[0], ("chip", "tpu"), both_ways=True, stored=True)
    return sum(row.mismatched_bytes for row in rows)


def _row(case: str, wrong: int) -> Row:
    return Row(case, "mismatched_bytes", wrong, "bytes")
