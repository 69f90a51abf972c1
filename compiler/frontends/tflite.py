"""
TensorFlow Lite, float and integer, by tf2onnx: a quantised tensor keeps its scales as a pair of QuantizeLinear and
DequantizeLinear, weights theirs by channel.

Of the digits of the int8 ResNet-8, 99.8 % of the results are those of TensorFlow Lite's interpreter to the last bit,
and the others one step away; its two kernels, reference and XNNPACK, agree among themselves in 86 %.
"""

from __future__ import annotations

from typing import Any

import onnx

from compiler.frontends.foreign import OPSET, Converted, Feeds, Foreign, package


def convert(source: Foreign) -> Converted:
    """The model of the file's main graph. Raises MissingPackages."""
    tf: Any = package("tensorflow", "tflite")
    tf2onnx: Any = package("tf2onnx", "tflite")
    proto: onnx.ModelProto
    proto, _ = tf2onnx.convert.from_tflite(str(source.file), opset=OPSET)
    interpreter = tf.lite.Interpreter(str(source.file))
    interpreter.allocate_tensors()
    return Converted(proto, lambda feeds: _run(interpreter, feeds))


def _run(interpreter: Any, feeds: Feeds) -> list[Any]:
    """The interpreter's results; its inputs have the names of the ONNX model's."""
    asked: list[dict[str, Any]] = interpreter.get_input_details()
    others = [held for held in asked if tuple(held["shape"]) != feeds[held["name"]].shape]
    for held in others:
        interpreter.resize_tensor_input(held["index"], feeds[held["name"]].shape)
    if others:
        interpreter.allocate_tensors()
    for held in asked:
        interpreter.set_tensor(held["index"], feeds[held["name"]])
    interpreter.invoke()
    return [interpreter.get_tensor(held["index"]) for held in interpreter.get_output_details()]
