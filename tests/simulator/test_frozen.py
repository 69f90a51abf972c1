"""
What figures are measured by stays as it is: the presets, the constants of the cycle model, the bounds.

A faster schedule never comes from a number changed here. Who has a better number makes a new preset, or a new version
of all of them, and says so.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from assets.zoo.builders.catalogue import built
from assets.zoo.builders.seeded import Layers
from simulator import chip, passes, timing
from simulator.bound import bounds
from simulator.chip import CHIPS, VARIANTS

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"

BM1684X = "BM1684X: 64 lanes of 256 KiB in 16 banks, 64 B element units, 64×4×64 int8 MACs at 1 GHz = 32.8 TOPS"
BM1688 = "BM1688: 2 cores of 32 lanes, 128 KiB, 16 B element units, 32 input channels, 24 GB/s"
EDGE = "of our own: a quarter of a BM1684X's memory a lane, a 32nd of its MACs, DRAM of 16 bits at 3.2 GT/s"
TINY = "of our own: an eighth of its memory a lane, a 128th of its MACs, DRAM of 16 bits at 1.6 GT/s"
SET = "set by the first specification (docs/isa.md, Time)"
RATES = "the rates by which TPU-MLIR 1.30.2 estimates BM1684X, from the moves of its own profile"

PRESETS = {
    "x64": ((1, 64, 256 << 10, 64, 64, 4, 1.0e9, 68.256e9, None), f"{BM1684X}; LPDDR4X-4266 of 128 bits"),
    "x32": ((2, 32, 128 << 10, 16, 32, 4, 0.9e9, 24.0e9, None), BM1688),
    "x32_alone": ((1, 32, 128 << 10, 16, 32, 4, 0.9e9, 24.0e9, None), BM1688),
    "e16": ((1, 16, 64 << 10, 16, 16, 2, 0.8e9, 6.4e9, None), EDGE),
    "e8": ((1, 8, 32 << 10, 8, 16, 1, 0.5e9, 3.2e9, None), TINY),
    "x64_tpumlir": ((1, 64, 256 << 10, 64, 64, 4, 1.0e9, 58.0e9, 44.0e9), RATES),
}
"""Each chip's numbers in the order of `Chip`'s fields, and where they are from."""

FIELDS = (
    "cores", "lanes", "lane_bytes", "eu_bytes", "cube_ic", "cube_px", "hertz", "ddr_bytes_per_second",
    "ddr_write_bytes_per_second",
)  # fmt: skip

CONSTANTS = {
    "chip.BANKS": (16, BM1684X),
    "chip.VERSION": (3, "raised once for instructions: COPY to other lanes, BMATMUL's turned operand, UNPACK"),
    "timing.TIU_SETUP": (
        24,
        f"{SET}: decoding, and the pipeline filled and drained",
    ),
    "timing.DMA_SETUP": (16, f"{SET}: a descriptor decoded"),
    "timing.DMA_LATENCY": (
        128,
        f"{SET}: a round trip to DRAM at 1 GHz",
    ),
    "timing.BURST": (64, "16 beats of 32 bits, a burst of LPDDR4"),
}
"""By module and name: the value, and what stands behind it."""

ONE_STEP = (
    "add", "sub", "mul", "max", "min", "abs", "floor", "ceil", "round", "lt", "le", "eq", "bitand", "bitor", "bitxor",
    "shl", "shr", "copy", "COPY", "CAST", "POOL", "DWCONV", "REDUCE",
)  # fmt: skip
PASSES = dict.fromkeys(ONE_STEP, 1) | {
    "div": 5, "sqrt": 5, "exp": 13, "log": 21, "tanh": 29, "erf": 38, "sin": 20, "cos": 20, "atan": 16, "pow": 39,
    "mod": 28, "fmod": 28, "SELECT": 2, "LUT": 2, "LUT which": 3, "RESCALE_ADD": 2, "RESCALE_MUL": 2,
    "CAST dequantise": 2, "CAST quantise": 5, "POOL avg float": 5, "POOL avg integer": 2, "RESAMPLE pick": 1,
    "RESAMPLE sum": 2, "RESAMPLE requantise": 2, "REDUCE mean float": 5, "REDUCE mean integer": 2,
}  # fmt: skip
"""Passes of the element units, whose reasons stand beside them: a polynomial of degree d takes 2d - 1."""

BOUNDS = {
    "resnet50": {"x64": 380_701, "e16": 8_039_296, "e8": 32_028_288},
    "mobilenetv2": {"x64": 56_229, "e16": 666_361, "e8": 2_588_796},
    "yolov8n": {"x64": 439_800, "e16": 8_554_000, "e8": 34_216_000},
    "bert_base": {"x64": 2_156_544, "e16": 69_009_408, "e8": 276_037_632},
    "minilm_s128": {"x64": 160_630, "e16": 2_801_664, "e8": 11_206_656},
}
"""Cycles of int8 at batch 1, from analytic tables of the papers' layers that no code of the project has read."""


@pytest.mark.parametrize("name", sorted({*CHIPS, *VARIANTS}))
def test_a_chip_keeps_its_numbers(name: str) -> None:
    held = asdict(chip.chip_named(name))
    assert held == {"name": name, **dict(zip(FIELDS, PRESETS[name][0], strict=True))}


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_keeps_its_value(name: str) -> None:
    module, _, constant = name.partition(".")
    assert getattr({"chip": chip, "timing": timing}[module], constant) == CONSTANTS[name][0]


def test_passes_keep_their_number_and_say_why() -> None:
    assert {name: held.count for name, held in passes.PASSES.items()} == PASSES
    assert all(held.why for held in passes.PASSES.values())


@pytest.fixture
def weightless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Topologies without the time that a hundred million weights take to draw and check."""

    def unchecked(model: onnx.ModelProto, full_check: bool) -> None:
        return

    def zeros(self: object, shape: tuple[int, ...], deviation: float) -> NDArray[np.float32]:
        return np.zeros(shape, np.float32)

    monkeypatch.setattr(Layers, "_normal", zeros)
    monkeypatch.setattr(onnx.checker, "check_model", unchecked)


def without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph; of weights only the extents, for no bound depends on more."""
    for weight in model.graph.initializer:
        if len(weight.raw_data) > 1024:
            weight.ClearField("raw_data")
    return model


@pytest.mark.usefixtures("weightless")
@pytest.mark.parametrize("topology", BOUNDS)
def test_a_topology_keeps_its_bounds(topology: str) -> None:
    held = onnx.load(LIGHT / "light_resnet50.onnx") if topology == "resnet50" else without_weights(built(topology))
    assert {name: bounds(held, "int8", CHIPS[name]).bound for name in BOUNDS[topology]} == BOUNDS[topology]
