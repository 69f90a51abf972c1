"""ResNet-8 in Keras: channels last, padding spelt out, since Keras pads strided convolutions unlike PyTorch."""

import keras
from keras import layers

from models.frontends.weights import BLOCKS, EPSILON, NORMALISATION, weights


def net() -> keras.Model:
    """The model with the committed weights; input x (batch, 28, 28, 1)."""
    held = weights()
    inputs = layers.Input((28, 28, 1), name="x")
    made = layers.ReLU()(_convolved(inputs, 16, 3, 1, "conv", "bn"))
    for number, (channels, stride) in enumerate(BLOCKS, 1):
        trunk, shortcut = f"block{number}.trunk", f"block{number}.shortcut"
        inner = layers.ReLU()(_convolved(made, channels, 3, stride, f"{trunk}.conv1", f"{trunk}.bn1"))
        inner = _convolved(inner, channels, 3, 1, f"{trunk}.conv2", f"{trunk}.bn2")
        if f"{shortcut}.conv.weight" in held:
            made = _convolved(made, channels, 1, stride, f"{shortcut}.conv", f"{shortcut}.bn")
        made = layers.ReLU()(layers.Add()([inner, made]))
    outputs = layers.Dense(10, name="fc")(layers.GlobalAveragePooling2D()(made))
    model = keras.Model(inputs, outputs)
    for layer in model.layers:
        name = layer.name.replace("_", ".")
        if isinstance(layer, layers.Conv2D):
            layer.set_weights([held[f"{name}.weight"].transpose(2, 3, 1, 0)])
        elif isinstance(layer, layers.BatchNormalization):
            layer.set_weights([held[f"{name}.{part}"] for part in NORMALISATION])
        elif isinstance(layer, layers.Dense):
            layer.set_weights([held["fc.weight"].T, held["fc.bias"]])
    return model


def _convolved(made: object, channels: int, kernel: int, stride: int, name: str, norm: str) -> object:
    padded = layers.ZeroPadding2D(kernel // 2)(made) if kernel > 1 else made
    out = layers.Conv2D(channels, kernel, stride, use_bias=False, name=name.replace(".", "_"))(padded)
    return layers.BatchNormalization(epsilon=EPSILON, name=norm.replace(".", "_"))(out)
