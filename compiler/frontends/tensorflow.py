"""
TensorFlow: SavedModel folders and `.keras` files, by tf2onnx.

Keras reads a `.keras` file in its safe mode, which refuses layers that carry Python code; a SavedModel is a graph and
its variables. Neither is a pickle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from compiler.frontends.foreign import OPSET, Converted, Feeds, Foreign, NotConverted, package

SIGNATURE = "serving_default"


def convert(source: Foreign) -> Converted:
    """The model as it infers, without training. Raises MissingPackages, NotConverted."""
    tf: Any = package("tensorflow", "tensorflow")
    tf2onnx: Any = package("tf2onnx", "tensorflow")
    call, specs = _saved_model(tf, source) if source.file.is_dir() else _keras(tf, source)
    function = tf.function(call)
    proto, _ = tf2onnx.convert.from_function(function, input_signature=specs, opset=OPSET)
    names = [spec.name for spec in specs]
    return Converted(proto, lambda feeds: _run(tf, function, names, feeds))


def _keras(tf: Any, source: Foreign) -> tuple[Callable[..., Any], list[Any]]:
    model = tf.keras.models.load_model(source.file, compile=False, safe_mode=not source.trust)
    specs = [tf.TensorSpec(held.shape, held.dtype, name=_plain(held.name)) for held in tf.nest.flatten(model.inputs)]
    packed = model.inputs

    def call(*arrays: Any) -> Any:
        return model(tf.nest.pack_sequence_as(packed, arrays), training=False)

    return call, specs


def _saved_model(tf: Any, source: Foreign) -> tuple[Callable[..., Any], list[Any]]:
    model = tf.saved_model.load(str(source.file))
    if SIGNATURE not in model.signatures:
        there = ", ".join(model.signatures) or "none"
        raise NotConverted(f"{source.file.name} has no signature {SIGNATURE!r} (there are: {there}); save it with one")
    signature = model.signatures[SIGNATURE]
    keywords: dict[str, Any] = signature.structured_input_signature[1]
    specs = [tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in keywords.items()]

    def call(*arrays: Any, held: Any = model) -> Any:
        return signature(**dict(zip(keywords, arrays, strict=True)))

    return call, specs


def _run(tf: Any, function: Any, names: Sequence[str], feeds: Feeds) -> list[Any]:
    made = function(*(tf.constant(feeds[name]) for name in names))
    return [np.asarray(leaf) for leaf in tf.nest.flatten(made)]


def _plain(name: str) -> str:
    return name.partition(":")[0]
