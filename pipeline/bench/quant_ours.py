"""Our row of `bench quant`: a model through the flow's own stages, and every sample through the interpreter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import SSAValue

from assets.workshop import CODE
from assets.zoo import packages
from compiler.build.builder import Builder
from compiler.build.flow import Settings, Target
from compiler.build.kernels import keep_kernels
from compiler.build.store import Metadata, Store
from compiler.dialects.quant import Quant
from compiler.dialects.structure import Structure
from compiler.dialects.tpu.ops import Tpu
from compiler.interpreter.results import meaning
from compiler.interpreter.run import run
from compiler.ir import files
from compiler.ir.network import Network, name_of
from compiler.npz import read_npz
from compiler.results import Results
from pipeline.bench.cold import Meter
from pipeline.bench.quant_data.files import Files

QUANTISING = ("cali_table", "qtable", "cali_mlir", "tpu_mlir")
"""The stages whose CPU seconds count: what a peer's `quantize` call does."""

CHIP = "x64"

Array = NDArray[Any]


@dataclass(frozen=True)
class OneModel:
    """A zoo of a single model of the bench."""

    held: Settings
    made: Files

    def names(self) -> Sequence[str]:
        """The one."""
        return [self.held.name]

    def settings(self, model: str) -> Settings:
        """As given."""
        return self.held

    def files(self, model: str) -> Mapping[str, Path]:
        """The bench's directories."""
        return self.made.directories

    def present(self, model: str) -> bool:
        """They were made before."""
        return True


@dataclass(frozen=True)
class Ours:
    """The results by name, samples on the first axis; CPU seconds of quantising; metadata of the stages."""

    results: Mapping[str, Array]
    cpu_s: float
    stages: Mapping[str, Metadata]


def quantised(settings: Settings, made: Files, mode: str, goals: Sequence[str] = ("tpu_mlir",)) -> Ours:
    """The model in a mode, from an empty store, with the default parameters but for `settings`. Raises StageFailed."""
    keep_kernels(CODE, packages.cache() / "numba")
    with TemporaryDirectory() as folder:
        builder, meter = Builder(Store(Path(folder)), OneModel(settings, made), CODE), Meter()
        records = builder.build(settings, Target(CHIP, mode), {"tpu_mlir", "sample_onnx", *goals}, meter, show=False)
        network = files.load(records["tpu_mlir"].ref.path, "tpu", Structure, Tpu, Quant)
        names = records["sample_onnx"].metadata["outputs"]
        results = answers(network, names, made.part("evaluation"))
    seconds = sum(meter.stages.get(stage, 0.0) for stage in QUANTISING)
    return Ours(results, seconds, {name: record.metadata for name, record in records.items()})


def mixed(settings: Settings, made: Files, sqnr_db: float) -> Ours:
    """The cheapest network that reaches an SQNR on the calibration data, with its profile. Raises StageFailed."""
    return quantised(replace(settings, mix={"sqnr": sqnr_db}), made, "mix", ("profile",))


def answers(network: Network, names: Sequence[str], samples: Path) -> dict[str, Array]:
    """Real results by the model's names, of samples one by one."""
    held = read_npz(samples)
    rows = [
        _real(network, {name: array[i : i + 1] for name, array in held.items()})
        for i in range(len(next(iter(held.values()))))
    ]
    return {name: np.concatenate(parts) for name, parts in zip(names, zip(*rows, strict=True), strict=True)}


def _real(network: Network, feed: Mapping[str, Array]) -> list[Array]:
    kept = Results({}, {})

    def keep(value: SSAValue, array: Array) -> None:
        kept.arrays[name_of(value)], kept.meanings[name_of(value)] = array, meaning(value)

    return [kept.real(name) for name in run(network, feed, keep)]
