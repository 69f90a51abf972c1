"""The builders by the name that a record uses."""

from collections.abc import Callable, Mapping

import onnx

from assets.zoo.builders import efficientnet_lite0, encoders, g2p, mobilenetv2, upscaler, yolov8n

BUILDERS: Mapping[str, Callable[[], onnx.ModelProto]] = {
    "bert_base": encoders.bert_base,
    "efficientnet_lite0": efficientnet_lite0.model,
    "g2p": g2p.model,
    "minilm_s128": encoders.minilm_s128,
    "mobilenetv2": mobilenetv2.model,
    "upscaler": upscaler.model,
    "yolov8n": yolov8n.model,
}


class UnknownBuilder(LookupError):
    """A record names a builder that isn't there; the message lists those that are."""


def built(name: str) -> onnx.ModelProto:
    """The model that the builder writes. Raises UnknownBuilder, PackageUnavailable."""
    check(name)
    return BUILDERS[name]()


def check(name: str) -> None:
    """Raise UnknownBuilder for a name that no builder has."""
    if name not in BUILDERS:
        raise UnknownBuilder(f"no builder {name!r}; there are {', '.join(BUILDERS)}")
