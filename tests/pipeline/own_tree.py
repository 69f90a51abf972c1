"""A copy of the sources with two models of the user's own, so that a test may edit both."""

import shutil
from pathlib import Path

import numpy as np

from assets.errors import PACKAGES
from compiler.npz import write_npz

REPOSITORY = Path(__file__).parents[2]

RECORD = """\
name: {name}
source: {{kind: file, file: {name}.onnx}}
licence: Apache-2.0
inputs: {{x: [1, 1, 28, 28]}}
calibration: {{file: {name}.npz, samples: 8, method: max}}
evaluation:
  file: {name}.npz
  samples: {samples}
  metric: top1
  tolerance:
    f32: {{cosine: 0.9, accuracy_drop: 1.0}}
    bf16: {{cosine: 0.9, accuracy_drop: 1.0}}
    f16: {{cosine: 0.9, accuracy_drop: 1.0}}
    int8: {{cosine: 0.5, accuracy_drop: 1.0}}
targets: []
"""

SOON, LATE = "digits", "many_digits"
"""A model that is built in seconds, and one that takes minutes to score."""


def make(root: Path) -> Path:
    """The copy below `root`, its own models in `my_models`; returns its folder."""
    tree = root / "tree"
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "models", tree / "models")
    (tree / "my_models").mkdir()
    _model(tree, SOON, "lenet_mnist", 8)
    _model(tree, LATE, "resnet8", 8000)
    return tree


def _model(tree: Path, name: str, network: str, samples: int) -> None:
    folder = tree / "my_models"
    random = np.random.default_rng(1)
    images, labels = random.random((samples, 1, 28, 28), np.float32), random.integers(0, 10, samples)
    write_npz(folder / f"{name}.npz", {"x": images, "labels": labels})
    shutil.copyfile(tree / "models" / f"{network}.onnx", folder / f"{name}.onnx")
    (folder / f"{name}.yaml").write_text(RECORD.format(name=name, samples=samples))
