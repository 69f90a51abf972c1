# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "numpy", "onnx==1.23.2"]
# ///
"""
Train the zoo's two recurrent classifiers on japanese_vowels and write them as ONNX beside this file.

    PYTHONPATH=. python models/train_vowels.py

Needs torch, in an environment of its own (the project doesn't). One thread, about two minutes.
"""

from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assets.zoo.datasets.japanese_vowels import CHANNELS, STEPS, values

HERE = Path(__file__).parent
SPEAKERS, EPOCHS, BATCH = 9, 60, 32
TRAINED_ON, TESTS = 270, 370
INPUT = {"x": (1, STEPS, CHANNELS)}


class LastOfGru(nn.Module):
    """A GRU; the state after the last step tells."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.recurrent = nn.GRU(CHANNELS, width, batch_first=True)
        self.dense = nn.Linear(width, SPEAKERS)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.recurrent(x)[0][:, -1])


class MeanOfBiLstm(nn.Module):
    """An LSTM both ways; the mean of its states tells."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.recurrent = nn.LSTM(CHANNELS, width, batch_first=True, bidirectional=True)
        self.dense = nn.Linear(2 * width, SPEAKERS)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.recurrent(x)[0].mean(1))


NETS = {"vowels_gru": LastOfGru, "vowels_bilstm": MeanOfBiLstm}


def train(net: nn.Module) -> None:
    """AdamW on series with a little noise."""
    held = values("calibration", TRAINED_ON, INPUT)
    series, speakers = torch.from_numpy(held["x"]), torch.from_numpy(held["labels"])
    optimiser = torch.optim.AdamW(net.parameters(), lr=5e-3)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(series)).split(BATCH):
            some = series[chosen]
            loss = F.cross_entropy(net(some + 0.05 * torch.randn_like(some)), speakers[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def main() -> None:
    torch.set_num_threads(1)
    tests = values("evaluation", TESTS, INPUT)
    for name, make in NETS.items():
        torch.manual_seed(0)
        net = make()
        train(net)
        with torch.no_grad():
            chosen = net.eval()(torch.from_numpy(tests["x"])).argmax(1).numpy()
        print(f"{name}: top-1 {(chosen == tests['labels']).mean():.4f}", flush=True)
        path = str(HERE / f"{name}.onnx")
        shape = (torch.zeros(1, STEPS, CHANNELS),)
        torch.onnx.export(net, shape, path, opset_version=14, input_names=["x"], output_names=["logits"], dynamo=False)
        onnx.checker.check_model(onnx.load(path), full_check=True)


main()
