# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "numpy", "onnx==1.23.2", "pillow", "matplotlib"]
# ///
"""
Train the zoo's U-Net on made-up scenes of glyph_masks and write it as ONNX beside this file.

    PYTHONPATH=. python models/train_masks.py

Needs torch, in an environment of its own (the project doesn't). One thread, about ten minutes.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assets.zoo.datasets.glyph_masks import samples

FILE = Path(__file__).parent / "unet_glyphs.onnx"
SHAPE = (3, 96, 96)
SCENES, STEPS, BATCH, TESTS = 4000, 1500, 16, 100


def twice(channels: int, made: int) -> nn.Sequential:
    """Two 3×3 convolutions with batch normalisation."""
    layers: list[nn.Module] = []
    for taken in (channels, made):
        layers += [nn.Conv2d(taken, made, 3, 1, 1, bias=False), nn.BatchNorm2d(made), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Three levels down by pooling, three up by transposed convolutions, joined across (Ronneberger et al., 2015)."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        widths = [width << level for level in range(4)]
        self.down = nn.ModuleList(twice(a, b) for a, b in zip([3, *widths], widths, strict=False))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * a, a, 2, 2) for a in widths[2::-1])
        self.join = nn.ModuleList(twice(2 * a, a) for a in widths[2::-1])
        self.last = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept: list[Tensor] = []
        for level, down in enumerate(self.down):
            x = down(F.max_pool2d(x, 2) if level else x)
            kept.append(x)
        for up, join, beside in zip(self.up, self.join, kept[2::-1], strict=True):
            x = join(torch.cat([up(x), beside], 1))
        return torch.sigmoid(self.last(x))


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    held = samples("calibration", SCENES, SHAPE)
    scenes, masks = torch.from_numpy(np.asarray(held.pixels) / 255), torch.from_numpy(held.labels).float()
    net = UNet()
    optimiser = torch.optim.AdamW(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=STEPS)
    for step in range(STEPS):
        chosen = torch.randint(len(scenes), (BATCH,))
        made, wanted = net(scenes[chosen]), masks[chosen]
        overlap = (2 * (made * wanted).sum() + 1) / ((made + wanted).sum() + 1)
        loss = F.binary_cross_entropy(made, wanted) + 1 - overlap
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 99:
            print(f"step {step + 1}/{STEPS}: loss {loss.item():.4f}", flush=True)
    net.eval()
    tests = samples("evaluation", TESTS, SHAPE)
    with torch.no_grad():
        found = net(torch.from_numpy(np.asarray(tests.pixels) / 255)).numpy() > 0.5
    wanted = tests.labels > 0
    print(f"mean IoU {np.mean((found & wanted).sum((1, 2, 3)) / (found | wanted).sum((1, 2, 3))):.4f}")
    torch.onnx.export(
        net,
        (torch.zeros(1, *SHAPE),),
        str(FILE),
        opset_version=13,
        input_names=["x"],
        output_names=["mask"],
        dynamo=False,
    )
    onnx.checker.check_model(onnx.load(FILE), full_check=True)


main()
