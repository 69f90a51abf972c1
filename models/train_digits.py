# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "numpy", "onnx==1.23.2", "onnxscript", "scikit-learn==1.9.1"]
# ///
"""
Train the digit classifier of `tpuflow bench quant` on scikit-learn's 8×8 digits, and write beside this file
`digits.onnx` and `digits_order.npz`: which of the 1,797 samples it was trained with, and which are to judge by.

    python models/train_digits.py

Three depthwise-separable blocks with ReLU6: what int8 weights and activations find hard. Needs torch and scikit-learn,
in an environment of its own (the project doesn't); ten seconds. Seeds are fixed, but torch promises the same weights on
one kind of machine only: the committed files are the truth, this shows their making.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

HERE = Path(__file__).parent
GREY_LEVELS, SIDE = 16, 8
EPOCHS, BATCH, RATE = 30, 64, 3e-3
JUDGED = 0.4
"""Of the samples, to judge by."""


def separable(channels: int, made: int, stride: int = 1) -> nn.Sequential:
    """A depthwise 3×3 and a 1×1 convolution, each normalised and clipped."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(),
        nn.Conv2d(channels, made, 1, bias=False),
        nn.BatchNorm2d(made),
        nn.ReLU6(),
    )


def net() -> nn.Sequential:
    """A convolution, three blocks, global average pooling, a dense layer."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, 1, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU6(),
        separable(16, 32),
        separable(32, 64, 2),
        separable(64, 64),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


def main() -> None:
    """Part the samples, train, write."""
    pixels, labels = load_digits(return_X_y=True)
    numbers = np.arange(len(labels), dtype=np.uint16)
    train, test = train_test_split(numbers, test_size=JUDGED, random_state=0, stratify=labels)
    np.savez(HERE / "digits_order.npz", calibration=train, evaluation=test)
    images = torch.from_numpy((pixels / GREY_LEVELS).astype(np.float32).reshape(-1, 1, SIDE, SIDE))
    wanted = torch.from_numpy(labels)
    seen, named = images[train.astype(int)], wanted[train.astype(int)]
    torch.manual_seed(0)
    model = net()
    optimiser = torch.optim.Adam(model.parameters(), RATE)
    for _ in range(EPOCHS):
        order = torch.randperm(len(seen))
        for i in range(0, len(order), BATCH):
            some = order[i : i + BATCH]
            optimiser.zero_grad()
            F.cross_entropy(model(seen[some]), named[some]).backward()
            optimiser.step()
    model.eval()
    right = model(images[test.astype(int)]).argmax(1) == wanted[test.astype(int)]
    print(f"digits: top-1 {right.float().mean():.4f}")
    path = HERE / "digits.onnx"
    torch.onnx.export(
        model, (seen[:1],), str(path), opset_version=17, input_names=["x"], output_names=["logits"], dynamo=False
    )
    onnx.checker.check_model(onnx.load(path), full_check=True)


if __name__ == "__main__":
    main()
