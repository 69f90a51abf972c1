"""A zoo of one tiny network, whose files and settings a test breaks in its own way."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from compiler.build.flow import SOURCES, Settings
from compiler.npz import write_npz
from tests.compiler.frontends.onnx.graphs import Graph

SHAPE = (1, 2, 6, 6)
SAMPLES = np.random.default_rng(2).random((4, *SHAPE[1:]), np.float32)


def network(shape: Sequence[int] = SHAPE, kernel: int = 3, activation: str = "Relu") -> onnx.ModelProto:
    """A convolution to four channels and an activation."""
    g = Graph(shape)
    h, w = (extent - kernel + 1 for extent in shape[2:])
    g.add("Conv", g.top, g.normal(4, shape[1], kernel, kernel), dims=(shape[0], 4, h, w))
    g.add(activation)
    return g.model()


@dataclass
class BadZoo:
    """The model `net` below `root`."""

    root: Path
    shapes: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    def names(self) -> Sequence[str]:
        """The one model."""
        return ["net"]

    def settings(self, model: str) -> Settings:
        """Its parameters."""
        return Settings(model, self.shapes, calibration={"method": "max", "samples": 4, "bins": 2048})

    def files(self, model: str) -> Mapping[str, Path]:
        """Its directories."""
        return {name: self.root / name for name in SOURCES}

    def present(self, model: str) -> bool:
        """Always: they are made by the test."""
        return True

    def mend(self) -> None:
        """Make every file sound."""
        shutil.rmtree(self.root, ignore_errors=True)
        for name in SOURCES:
            (self.root / name).mkdir(parents=True)
        self.model(network().SerializeToString())
        self.calibration(x=SAMPLES)
        self.evaluation(x=SAMPLES)

    def model(self, content: bytes) -> None:
        """Replace the model's file."""
        (self.root / "model_file" / "model.onnx").write_bytes(content)

    def calibration(self, **arrays: NDArray[Any]) -> None:
        """Replace the calibration data."""
        write_npz(self.root / "calibration_data" / "calibration.npz", arrays)

    def evaluation(self, **arrays: NDArray[Any]) -> None:
        """Replace the evaluation data."""
        write_npz(self.root / "evaluation_data" / "evaluation.npz", arrays)


@dataclass(frozen=True)
class Breakage:
    """Something wrong with the zoo: what breaks it, which stage fails, and what the message has."""

    name: str
    stage: str
    told: tuple[str, ...]
    harm: Callable[[BadZoo], None]


def _cut_model(zoo: BadZoo) -> None:
    zoo.model(network().SerializeToString()[:100])


def _unsorted_model(zoo: BadZoo) -> None:
    model = network()
    model.graph.node[1].input[0] = "nowhere"
    zoo.model(model.SerializeToString())


def _lost_weights(zoo: BadZoo) -> None:
    folder = zoo.root / "model_file"
    onnx.save_model(
        network(), folder / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    (folder / "weights.bin").unlink()


def _dynamic(zoo: BadZoo) -> None:
    model = network()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    zoo.model(model.SerializeToString())


def _unknown_ops(zoo: BadZoo) -> None:
    model = network()
    for op_type, made in (("Twiddle", "w"), ("Frobnicate", "z")):
        node = onnx.helper.make_node(op_type, [model.graph.node[1].output[0]], [made], op_type[:4].lower())
        model.graph.node.append(node)
    model.graph.output[0].name = "z"
    zoo.model(model.SerializeToString())


def _too_large(zoo: BadZoo) -> None:
    shape = (1, 1, 200, 200)
    zoo.model(network(shape, kernel=200).SerializeToString())
    zoo.calibration(x=np.ones(shape, np.float32))


def _nan(zoo: BadZoo) -> None:
    samples = SAMPLES.copy()
    samples[2, 1, 3, 3] = np.nan
    zoo.calibration(x=samples)


def _cut_data(zoo: BadZoo) -> None:
    file = zoo.root / "calibration_data" / "calibration.npz"
    file.write_bytes(file.read_bytes()[:300])


def _lost_data(zoo: BadZoo) -> None:
    (zoo.root / "calibration_data" / "calibration.npz").unlink()


BREAKAGES = (
    Breakage(
        "damaged model",
        "sample_onnx",
        ("model.onnx isn't an ONNX model, or was cut short", "export it again"),
        _cut_model,
    ),
    Breakage(
        "unsorted model",
        "sample_onnx",
        ("model.onnx breaks ONNX's rules", "'nowhere'", "OpType: Relu"),
        _unsorted_model,
    ),
    Breakage(
        "missing external data",
        "sample_onnx",
        ("'k0' lies in 'weights.bin', which isn't there", "put it beside the model"),
        _lost_weights,
    ),
    Breakage(
        "dynamic dimension",
        "sample_onnx",
        ("input 'x' has no value for dimension 0 (batch) of [batch, 2, 6, 6]", "x: [1, 2, 6, 6] under `inputs`"),
        _dynamic,
    ),
    Breakage(
        "unknown ops",
        "origin_mlir",
        ("2 nodes aren't supported", "Twiddle 'twid': there is no Top op", "Frobnicate 'frob': there is no Top op"),
        _unknown_ops,
    ),
    Breakage(
        "calibration of another shape",
        "cali_table",
        ("calibration.npz: input 'x' has samples of [3, 6, 6], the model wants [2, 6, 6]", "prepare the data again"),
        lambda zoo: zoo.calibration(x=np.ones((4, 3, 6, 6), np.float32)),
    ),
    Breakage(
        "calibration with NaN",
        "cali_table",
        ("calibration.npz: input 'x', sample 2 has NaN or infinity", "clean the data"),
        _nan,
    ),
    Breakage(
        "calibration under another name",
        "cali_table",
        ("calibration.npz has no data for input x; it has image",),
        lambda zoo: zoo.calibration(image=SAMPLES),
    ),
    Breakage(
        "calibration cut short",
        "cali_table",
        ("calibration.npz isn't an .npz, or was cut short", "make it again"),
        _cut_data,
    ),
    Breakage("calibration missing", "cali_table", ("No such file or directory", "calibration.npz"), _lost_data),
    Breakage(
        "calibration in words",
        "cali_table",
        ("calibration.npz: array 'x' holds <U1, not numbers",),
        lambda zoo: zoo.calibration(x=np.full((4, 2, 6, 6), "a")),
    ),
    Breakage(
        "evaluation of another shape",
        "onnx_results",
        ("evaluation.npz: input 'x' has samples [4, 2, 5, 6]; the model wants [1, 2, 6, 6]",),
        lambda zoo: zoo.evaluation(x=SAMPLES[:, :, 1:]),
    ),
    Breakage(
        "does not fit",
        "lg_mlir",
        ("'t1_Relu': the smallest tile of tpu.Conv takes", "chip e8 has 32768", "choose a chip with more local memory"),
        _too_large,
    ),
)
