# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "numpy", "onnx==1.23.2", "onnxscript"]
# ///
"""
Train the zoo's small picture classifiers and write them as ONNX beside this file: two on the 4,000 training digits of
mnist5k, one on the 60,000 training pictures of fashion_mnist.

    PYTHONPATH=. python models/train.py lenet_mnist resnet8 resnet8_fashion

Needs torch, in an environment of its own (the project doesn't). Two threads, about five minutes for digits, twenty for
clothes. Seeds are fixed, but
torch promises the same weights on one kind of machine only: the committed files are the truth, this shows their making.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assets.zoo.datasets import fashion_mnist, mnist5k
from assets.zoo.datasets.samples import DataSet, Part

HERE = Path(__file__).parent
SHAPE = (1, 28, 28)
BATCH = 64


def chain(**layers: nn.Module) -> nn.Sequential:
    """Layers in turn, named as they will be in the ONNX file."""
    return nn.Sequential(OrderedDict(layers))


def lenet() -> nn.Module:
    """Two convolutions with pooling, two dense layers."""
    return chain(
        conv1=nn.Conv2d(1, 8, 5, padding=2),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(8, 16, 5),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        fc1=nn.Linear(400, 64),
        relu3=nn.ReLU(),
        fc2=nn.Linear(64, 10),
    )


class Block(nn.Module):
    """Two 3×3 convolutions beside a shortcut, each with batch normalisation."""

    def __init__(self, channels: int, made: int, stride: int) -> None:
        super().__init__()
        self.trunk = chain(
            conv1=nn.Conv2d(channels, made, 3, stride, 1, bias=False),
            bn1=nn.BatchNorm2d(made),
            relu=nn.ReLU(),
            conv2=nn.Conv2d(made, made, 3, 1, 1, bias=False),
            bn2=nn.BatchNorm2d(made),
        )
        self.shortcut = nn.Identity()
        if (channels, stride) != (made, 1):
            self.shortcut = chain(conv=nn.Conv2d(channels, made, 1, stride, bias=False), bn=nn.BatchNorm2d(made))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.trunk(x) + self.shortcut(x))


def resnet8(width: int = 16) -> nn.Module:
    """A convolution, three residual blocks, global average pooling, a dense layer."""
    return chain(
        conv=nn.Conv2d(1, width, 3, 1, 1, bias=False),
        bn=nn.BatchNorm2d(width),
        relu=nn.ReLU(),
        block1=Block(width, width, 1),
        block2=Block(width, 2 * width, 2),
        block3=Block(2 * width, 4 * width, 2),
        pool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        fc=nn.Linear(4 * width, 10),
    )


def moved(images: Tensor) -> Tensor:
    """Each image turned by up to 12°, scaled by up to 12 % and shifted by up to 2 pixels, at random."""
    count = len(images)
    angle, size = (torch.rand(count) - 0.5) * 0.42, 1 + (torch.rand(count) - 0.5) * 0.24
    shift = (torch.rand(count, 2) - 0.5) * (8 / 28)
    cos, sin = torch.cos(angle) * size, torch.sin(angle) * size
    rows = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1)
    return F.grid_sample(images, F.affine_grid(rows, list(images.shape), align_corners=False), align_corners=False)


def mirrored(images: Tensor) -> Tensor:
    """Half of the images the other way round."""
    return torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, images.flip(3), images)


@dataclass(frozen=True)
class Recipe:
    """A net's maker, its data, and how it is trained."""

    make: Callable[[], nn.Module]
    data: DataSet
    pictures: int
    tests: int
    epochs: int
    vary: Callable[[Tensor], Tensor]

    def held(self, part: Part) -> tuple[Tensor, Tensor]:
        """Pictures in 0..1 and labels."""
        got = self.data(part, self.pictures if part == "calibration" else self.tests, SHAPE)
        return torch.from_numpy(np.asarray(got.pixels) / 255), torch.from_numpy(got.labels)


NETS = {
    "lenet_mnist": Recipe(lenet, mnist5k.samples, 4_000, 1_000, 40, moved),
    "resnet8": Recipe(resnet8, mnist5k.samples, 4_000, 1_000, 14, moved),
    "resnet8_fashion": Recipe(resnet8, fashion_mnist.samples, 60_000, 10_000, 8, mirrored),
}


def train(net: nn.Module, recipe: Recipe) -> None:
    """AdamW with one cycle of the learning rate, on varied pictures."""
    images, labels = recipe.held("calibration")
    epochs = recipe.epochs
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=1e-2)
    steps = epochs * -(-len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=steps)
    net.train()
    for epoch in range(epochs):
        for chosen in torch.randperm(len(images)).split(BATCH):
            loss = F.cross_entropy(net(recipe.vary(images[chosen])), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        print(f"epoch {epoch + 1}/{epochs}: loss {loss.item():.4f}", flush=True)


def top1(net: nn.Module, recipe: Recipe) -> float:
    """Share of the test pictures named rightly."""
    images, labels = recipe.held("evaluation")
    net.eval()
    with torch.no_grad():
        chosen = torch.cat([net(some).argmax(1) for some in images.split(500)])
    return float((chosen == labels).float().mean())


def export(net: nn.Module, path: Path) -> None:
    """Write ONNX, opset 13, input `x` (1, 1, 28, 28); batch normalisation stays, for the compiler to fuse."""
    net.eval()
    torch.onnx.export(
        net,
        (torch.zeros(1, *SHAPE),),
        str(path),
        opset_version=13,
        input_names=["x"],
        output_names=["logits"],
        dynamo=False,
        do_constant_folding=False,
        training=torch.onnx.TrainingMode.PRESERVE,
    )
    onnx.checker.check_model(onnx.load(path), full_check=True)


def main(names: list[str]) -> None:
    torch.set_num_threads(2)
    for name in names or NETS:
        torch.manual_seed(0)
        recipe = NETS[name]
        net = recipe.make()
        train(net, recipe)
        print(f"{name}: top-1 {top1(net, recipe):.4f}")
        export(net, HERE / f"{name}.onnx")


if __name__ == "__main__":
    main(sys.argv[1:])
