"""ResNet-8 as a PyTorch module: what `tpuflow zoo add torch_net.py --entry net` takes."""

import torch

from models.frontends.weights import weights
from models.train import resnet8


def net() -> torch.nn.Module:
    """The module with the committed weights."""
    made = resnet8()
    held = {name: torch.from_numpy(array) for name, array in weights().items()}
    lacking, unknown = made.load_state_dict(held, strict=False)
    if unknown or any(not name.endswith("num_batches_tracked") for name in lacking):
        raise ValueError(f"the weights lack {lacking} and have {unknown}")
    return made.eval()
