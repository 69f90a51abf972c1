"""Small networks compiled for a debugger to look into: of one core, of two, with an op of the host between."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import onnx
from onnx import helper

from compiler.npz import read_npz
from compiler.results import Results
from simulator.debugger.session import Debugger
from simulator.model_file import Model, read
from tests.compiler.host.built import Array, compiled, model, tensor

X = ((np.arange(2 * 8 * 12 * 12) * 7 % 23) - 11).astype(np.float32).reshape(2, 8, 12, 12) / 8


class Built(NamedTuple):
    """A program, what it is fed, and what the interpreter makes of that; its folder."""

    model: Model
    feeds: dict[str, Array]
    wanted: dict[str, Array]
    folder: Path


ROOT = TemporaryDirectory(prefix="debugged")
"""Where they are compiled; gone when the process ends."""

TARGETS = {"one core": ("e8", "int8"), "two cores": ("x32", "int8"), "hosted": ("e8", "bf16")}


@cache
def built(name: str) -> Built:
    """The network of that name, compiled once."""
    folder = Path(ROOT.name) / name.replace(" ", "-")
    folder.mkdir()
    chip, mode = TARGETS[name]
    compiled(_network(hosted=name == "hosted"), {"x": X}, folder, mode, chip, seed=3)
    first = read_npz(folder / "evaluation.npz")["x"][:2]
    return Built(read(folder / "sample.model"), {"x": first}, Results.load(folder, "tpu_results").arrays, folder)


def debugger(made: Built) -> Debugger:
    """A debugger of the program, before its first record."""
    return Debugger(made.model, made.feeds)


def gone_through(made: Built) -> Debugger:
    """The same at the end of the run."""
    held = debugger(made)
    held.go_on()
    return held


def _network(hosted: bool) -> onnx.ModelProto:
    rng = np.random.default_rng(1)
    held = {f"w{i}": (rng.random((8, 8, 3, 3)) - 0.5).astype(np.float32) for i in range(3)}
    middle = helper.make_node("QuickGelu", ["b"], ["c"], domain="com.microsoft") if hosted else _conv("b", "w2", "c")
    nodes = [
        _conv("x", "w0", "a"), helper.make_node("Relu", ["a"], ["b"]), middle, _conv("c", "w1", "d"),
        helper.make_node("Add", ["b", "d"], ["e"]), helper.make_node("MaxPool", ["e"], ["y"], kernel_shape=[2, 2]),
    ]  # fmt: skip
    if hosted:
        del held["w2"]
    return model(nodes, [tensor("x", 2, 8, 12, 12)], [tensor("y", 2, 8, 11, 11)], held)


def _conv(x: str, w: str, y: str) -> onnx.NodeProto:
    return helper.make_node("Conv", [x, w], [y], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
