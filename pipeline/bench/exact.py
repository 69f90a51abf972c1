"""
`bench exact`: does the chip make the very bytes that `tpu.mlir` defines?

For every model and target, every tensor in between included, as scheduled and under random legal tilings; then for each
op of the Tpu dialect at four times the size of an e8 lane. One wrong byte anywhere is a bug.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

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
SIDES: Sequence[str] = ("tpu_results", "chip_results")


def model_rows(builder: Builder, model: str, target: str, tilings: int, told: Told) -> Iterator[Row]:
    """A row as scheduled, and one for each random tiling, of which the store keeps nothing."""
    settings, chip = builder.zoo.settings(model), Target.parse(target).chip
    case = told.at(f"{model}/{target}")
    records = builder.build(settings, Target.parse(target), (*SIDES, "tpu_mlir"), told, show=False)
    made = {name: record.ref.path for name, record in records.items()}
    yield _row(case, mismatched_bytes(made))
    for seed in range(1, tilings + 1):
        tiled = told.at(f"{case}/tiling-{seed}")
        with TemporaryDirectory() as folder:
            given = {"tpu_mlir": made["tpu_mlir"], "evaluation_data": builder.zoo.files(model)["evaluation_data"]}
            run_on_chip(given, {"chip": chip, "effort": settings.effort, "seed": seed}, Path(folder))
            yield _row(tiled, mismatched_bytes({**made, "chip_results": Path(folder)}))


def giant_rows(told: Told, names: Sequence[str] = tuple(GIANTS)) -> Iterator[Row]:
    """A row for each op, axis it is stretched along, and mode."""
    for name in names:
        for label, mode, extents in GIANTS[name].cases(name):
            case = told.at(f"{label}/{CHIP}-{mode}")
            with TemporaryDirectory() as made:
                folder = Path(made)
                sketch = Sketch()
                sketch.save(GIANTS[name].make(sketch, ELEMENTS[mode], extents), mode, folder)
                given = {"tpu_mlir": folder, "evaluation_data": folder}
                tpu_results.run(given, {}, folder)
                run_on_chip(given, {"chip": CHIP, "effort": 1, "seed": None}, folder)
                yield _row(case, mismatched_bytes(dict.fromkeys(SIDES, folder)))


def run_on_chip(given: Mapping[str, Path], params: Mapping[str, Any], out: Path) -> None:
    """Every stage from `tpu.mlir` to `chip_results`, all their files in `out`."""
    inputs = {**given, **dict.fromkeys(("lg_mlir", "addr_mlir", "sample_model"), out)}
    for stage in (lg_mlir, addr_mlir, sample_model, chip_results):
        stage.run(inputs, params, out)


def mismatched_bytes(folders: Mapping[str, Path]) -> int:
    """Bytes that differ over all tensors of both sides. Raises Incomplete for a tensor without a partner."""
    tpu, chip = (Results.load(folders[side], side) for side in SIDES)
    return sum(row.mismatched_bytes for row in compare(chip, tpu, ("chip", "tpu"), both_ways=True, stored=True))


def _row(case: str, wrong: int) -> Row:
    return Row(case, "mismatched_bytes", wrong, "bytes")
