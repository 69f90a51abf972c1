"""ResNet-8 as a function of JAX arrays: what `tpuflow zoo add jax_net.py --framework jax --entry net` takes."""

import jax
import jax.numpy as jnp

from models.frontends.weights import BLOCKS, EPSILON, NORMALISATION, weights

HELD = weights()


def net(x: jax.Array) -> jax.Array:
    """Logits (n, 10) of pictures (n, 1, 28, 28)."""
    made = jax.nn.relu(_convolved(x, 1, "conv", "bn"))
    for number, (_, stride) in enumerate(BLOCKS, 1):
        trunk, shortcut = f"block{number}.trunk", f"block{number}.shortcut"
        inner = jax.nn.relu(_convolved(made, stride, f"{trunk}.conv1", f"{trunk}.bn1"))
        inner = _convolved(inner, 1, f"{trunk}.conv2", f"{trunk}.bn2")
        if f"{shortcut}.conv.weight" in HELD:
            made = _convolved(made, stride, f"{shortcut}.conv", f"{shortcut}.bn")
        made = jax.nn.relu(inner + made)
    return made.mean((2, 3)) @ HELD["fc.weight"].T + HELD["fc.bias"]


def _convolved(x: jax.Array, stride: int, name: str, norm: str) -> jax.Array:
    kernel = HELD[f"{name}.weight"]
    pad = kernel.shape[2] // 2
    made = jax.lax.conv_general_dilated(x, kernel, (stride, stride), [(pad, pad), (pad, pad)])
    scale, bias, mean, variance = (HELD[f"{norm}.{part}"].reshape(-1, 1, 1) for part in NORMALISATION)
    return (made - mean) * (scale / jnp.sqrt(variance + EPSILON)) + bias
