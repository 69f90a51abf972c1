"""What a build leaves, read by name: networks, rows, results, figures."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from compiler.build.flow import FLOW
from compiler.dialects.quant import Quant
from compiler.dialects.structure import Structure
from compiler.dialects.top.ops import Top
from compiler.dialects.tpu.ops import Tpu
from compiler.ir import files
from compiler.ir.network import Network
from compiler.quantization import table
from compiler.quantization.table import Entry
from compiler.results import Results
from simulator import model_file
from simulator.model_file import Model

RUNS = ("onnx", "top", "tpu", "chip")
"""Who computes every tensor, in the order of the flow."""


class UnknownRun(LookupError):
    """Results are asked for of a run that the flow does not have; the message lists those there are."""


class NotMade(LookupError):
    """An artifact is asked for that the target has no use for; the message names both."""


class Folders(Mapping[str, Path]):
    """The directory of each stage's artifact, looked up when asked for: what `draw` of a plot takes."""

    def __init__(self, folder: Callable[[str], Path]) -> None:
        self._folder = folder

    def __getitem__(self, stage: str) -> Path:
        return self._folder(stage)

    def __iter__(self) -> Iterator[str]:
        return (stage.name for stage in FLOW)

    def __len__(self) -> int:
        return len(FLOW)


class Artifacts:
    """The artifacts of one model for one target; each is read when it is asked for."""

    def __init__(self, title: str, folder: Callable[[str], Path]) -> None:
        self.title = title
        self.folders = Folders(folder)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.title})"

    def path(self, stage: str, file: str) -> Path:
        """Where a file of a stage's artifact is. Raises NotMade."""
        found = self.folders[stage] / file
        if not found.is_file():
            raise NotMade(f"{self.title} has no {file}: its target has no use for {stage}")
        return found

    @property
    def origin(self) -> Network:
        """The Top dialect as imported."""
        return files.load(self.path("origin_mlir", "origin.mlir").parent, "origin", Top)

    @property
    def canonical(self) -> Network:
        """The Top dialect after fusion and folding."""
        return files.load(self.path("canonical_mlir", "canonical.mlir").parent, "canonical", Top)

    @property
    def calibrated(self) -> Network:
        """The canonical network with calibrated types. Raises NotMade for a float mode."""
        folder = self.path("cali_mlir", "cali.mlir").parent
        return files.load(folder, "cali", Top, Quant, weights_in=self.folders["canonical_mlir"])

    @property
    def tpu(self) -> Network:
        """The Tpu dialect in the target's number format."""
        return self._lowered("tpu")

    @property
    def lg(self) -> Network:
        """The Tpu dialect divided into layer groups."""
        return self._lowered("lg")

    @property
    def addr(self) -> Network:
        """The same, every tensor in global memory with its address."""
        return self._lowered("addr")

    @property
    def model(self) -> Model:
        """What the chip runs."""
        return model_file.read(self.path("sample_model", "sample.model"))

    @property
    def entries(self) -> dict[str, Entry]:
        """The lines of the calibration table. Raises NotMade for a float mode."""
        return table.read(self.path("cali_table", "cali_table"))

    def results(self, run: str) -> Results:
        """Every tensor by name as `onnx`, `top`, `tpu` or `chip` makes it. Raises UnknownRun."""
        if run not in RUNS:
            raise UnknownRun(f"no results of {run!r}; there are {', '.join(RUNS)}")
        return Results.load(self.path(f"{run}_results", f"{run}_results.npz").parent, f"{run}_results")

    @property
    def compared(self) -> list[dict[str, Any]]:
        """A row for each pair of runs (`later` against `earlier`) and tensor, in execution order."""
        return json.loads(self.path("comparison", "comparison.json").read_text(encoding="utf-8"))["rows"]

    @property
    def layers(self) -> list[dict[str, Any]]:
        """A row a layer, in the order they start: cycles, bytes, multiply-accumulates and records."""
        return [{"cycles": row["end"] - row["start"], **row} for row in self._profile["layers"]]

    @property
    def accuracy(self) -> Mapping[str, Any]:
        """The metric on labelled data: `accuracy` on the chip, `accuracy_float`, `drop`, `samples`, `predictions`."""
        return json.loads(self.path("accuracy", "accuracy.json").read_text(encoding="utf-8"))

    @property
    def figures(self) -> dict[str, float]:
        """The figures of the whole, under the names that every report uses; accuracy where there are labels."""
        totals, rows = self.totals, self.compared
        lowered, chip = ([row for row in rows if row["later"] == run] for run in ("tpu", "chip"))
        costs = ("cycles", "cycles_over_bound", "ddr_bytes", "local_bytes", "activation_bytes")
        found: dict[str, float] = {
            **{name: totals[name] for name in costs},
            "model_bytes": self.path("sample_model", "sample.model").stat().st_size,
            "cosine": min(row["cosine"] for row in lowered),
            "sqnr_db": min(row["sqnr_db"] for row in lowered),
            "mismatched_bytes": sum(row["mismatched_bytes"] for row in chip),
        }
        if (self.folders["accuracy"] / "accuracy.json").is_file():
            scored = self.accuracy
            found |= {name: scored[name] for name in ("accuracy", "accuracy_float", "drop")}
        return found

    @property
    def totals(self) -> Mapping[str, Any]:
        """What the whole run on the chip costs, the least it could, and the chip's limits."""
        return self._profile["totals"]

    @property
    def _profile(self) -> Mapping[str, Any]:
        return json.loads(self.path("profile", "profile.json").read_text(encoding="utf-8"))

    def _lowered(self, stem: str) -> Network:
        return files.load(self.path(f"{stem}_mlir", f"{stem}.mlir").parent, stem, Structure, Tpu, Quant)
