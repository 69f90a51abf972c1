"""ResNet-8 as a Paddle layer."""

import paddle
from paddle import nn

from models.frontends.weights import BLOCKS, EPSILON, NORMALISATION, weights

HELD = weights()


class Normalised(nn.Layer):
    """A convolution with its batch normalisation."""

    def __init__(self, stride: int, name: str, norm: str) -> None:
        super().__init__()
        kernel = HELD[f"{name}.weight"]
        made, channels, size, _ = kernel.shape
        self.conv = nn.Conv2D(channels, made, size, stride, size // 2, bias_attr=False)
        self.bn = nn.BatchNorm2D(made, epsilon=EPSILON)
        self.conv.weight.set_value(kernel)
        scale, bias, mean, variance = (HELD[f"{norm}.{part}"] for part in NORMALISATION)
        self.bn.set_state_dict({"weight": scale, "bias": bias, "_mean": mean, "_variance": variance})

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Both in turn."""
        return self.bn(self.conv(x))


class ResNet8(nn.Layer):
    """The net with the committed weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Normalised(1, "conv", "bn")
        self.first, self.second, self.shortcut = nn.LayerList(), nn.LayerList(), nn.LayerList()
        for number, (_, stride) in enumerate(BLOCKS, 1):
            trunk, shortcut = f"block{number}.trunk", f"block{number}.shortcut"
            self.first.append(Normalised(stride, f"{trunk}.conv1", f"{trunk}.bn1"))
            self.second.append(Normalised(1, f"{trunk}.conv2", f"{trunk}.bn2"))
            there = f"{shortcut}.conv.weight" in HELD
            self.shortcut.append(Normalised(stride, f"{shortcut}.conv", f"{shortcut}.bn") if there else nn.Identity())
        self.fc = nn.Linear(64, 10)
        self.fc.weight.set_value(HELD["fc.weight"].T)
        self.fc.bias.set_value(HELD["fc.bias"])

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Logits (n, 10) of pictures (n, 1, 28, 28)."""
        made = nn.functional.relu(self.stem(x))
        for i in range(len(BLOCKS)):
            inner = self.second[i](nn.functional.relu(self.first[i](made)))
            made = nn.functional.relu(inner + self.shortcut[i](made))
        return self.fc(made.mean([2, 3]))


def net() -> nn.Layer:
    """The layer, to infer with."""
    made = ResNet8()
    made.eval()
    return made
