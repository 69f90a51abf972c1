"""
Calibration of ResNet-50 on 100 images: CPU seconds, and how that compares with running the images alone.

A process of its own does it on one thread, since CPU seconds of a process tell apart nothing that runs beside it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

from assets.workshop import CODE
from assets.zoo import packages, record
from assets.zoo.make import fed
from assets.zoo.zoo import InstalledZoo
from compiler.build.builder import Builder
from compiler.build.flow import Settings, Target
from compiler.build.kernels import keep_kernels
from compiler.build.store import Store
from compiler.frontends.onnx.session import Session
from compiler.npz import write_npz
from compiler.quantization.samples import batches
from pipeline.bench.cold import Meter, cpu_seconds
from pipeline.bench.judged import Judged, judged
from pipeline.bench.peers.run import ONE_THREAD
from pipeline.bench.quant_cases import CALIBRATION_RATE, CALIBRATION_SECONDS

MODEL, IMAGES = "resnet50", 100
STAGE = "cali_table"


class _Zoo(InstalledZoo):
    """The zoo, but for the model's calibration data."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def files(self, model: str) -> dict[str, Path]:
        """As the zoo has them, with more to calibrate on."""
        return {**super().files(model), "calibration_data": self._data}


@dataclass(frozen=True)
class Spent:
    """CPU seconds of the calibrating stage, and of the float network on the same images."""

    calibrating: float
    running: float


def rows() -> Iterator[Judged]:
    """Seconds and rate with the default method. Raises CalledProcessError."""
    method = str(Settings("").calibration["method"])
    command = [sys.executable, "-m", "pipeline.bench.quant_calibration", method]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD)
    spent = Spent(**json.loads(told.stdout))
    case = f"{MODEL}/calibration"
    yield judged(case, "cpu_s", spent.calibrating, "s", CALIBRATION_SECONDS)
    yield judged(case, "rate_over_inference", spent.running / spent.calibrating, "ratio", CALIBRATION_RATE)


def measure(method: str) -> Spent:
    """Calibrate by that method into a store that is gone afterwards, then run the same images."""
    held = record.read(MODEL)
    more = held.model_copy(update={"calibration": held.calibration.model_copy(update={"samples": IMAGES})})
    with TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        data.mkdir()
        write_npz(data / "calibration.npz", fed(more, "calibration"))
        keep_kernels(CODE, packages.cache() / "numba")
        builder, meter = Builder(Store(Path(scratch) / "store"), _Zoo(data), CODE), Meter()
        told = builder.zoo.settings(MODEL)
        settings = replace(told, calibration={**told.calibration, "method": method, "samples": IMAGES})
        target = Target("x64", "int8")
        built = builder.build(settings, target, ("sample_onnx", STAGE), meter, show=False)
        session = Session(onnx.load_model(built["sample_onnx"].ref.path / "sample.onnx"), threads=1)
        _, feeds = batches(data / "calibration.npz", session.inputs, IMAGES)
        begun = cpu_seconds()
        for feed in feeds:
            session.run(feed)
        return Spent(meter.stages[STAGE], cpu_seconds() - begun)


if __name__ == "__main__":
    print(json.dumps(vars(measure(sys.argv[1]))))
