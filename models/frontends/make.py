"""
Write ResNet-8 with the committed weights as files of other frameworks, beside this script.

    PYTHONPATH=. python models/frontends/make.py torch        # resnet8.pt2, resnet8.pt
    PYTHONPATH=. python models/frontends/make.py tensorflow   # resnet8.keras, resnet8.tflite, resnet8_int8.tflite
    PYTHONPATH=. python models/frontends/make.py paddle       # resnet8.json, resnet8.pdiparams
    PYTHONPATH=. python models/frontends/make.py int8_onnx    # resnet8_int8.onnx, resnet8_int8.npz
    PYTHONPATH=. python models/frontends/make.py saved_model FOLDER

Each needs its framework, in an environment of its own (docs/frontends.md).
"""

import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from assets.zoo.datasets.mnist5k import samples
from compiler.frontends.convert import converted
from compiler.frontends.foreign import Foreign

HERE = Path(__file__).parent
DIGIT = (1, 28, 28)
CALIBRATED_ON, COMPARED = 100, 100


def torch() -> None:
    """An exported program and TorchScript, without notes of where lines of their source stood."""
    import torch

    from models.frontends.torch_net import net

    sample = (torch.zeros(1, *DIGIT),)
    program = torch.export.export(net(), sample)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    torch.export.save(program, HERE / "resnet8.pt2")
    held = io.BytesIO()
    torch.jit.save(torch.jit.trace(net(), sample), held)
    with zipfile.ZipFile(held) as made, zipfile.ZipFile(HERE / "resnet8.pt", "w") as kept:
        for item in made.infolist():
            if not item.filename.endswith(".debug_pkl"):
                kept.writestr(item, made.read(item))


def tensorflow() -> None:
    """A Keras file, and TFLite in float and in int8 with real inputs and outputs."""
    import tensorflow as tf

    from models.frontends.keras_net import net

    model = net()
    model.save(HERE / "resnet8.keras")
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    (HERE / "resnet8.tflite").write_bytes(converter.convert())
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = digits
    (HERE / "resnet8_int8.tflite").write_bytes(converter.convert())


def saved_model(folder: str) -> None:
    """A SavedModel, which is too large to be kept here."""
    from models.frontends.keras_net import net

    net().export(folder, verbose=False)


def paddle() -> None:
    """An inference model."""
    import paddle

    from models.frontends.paddle_net import net

    spec = [paddle.static.InputSpec([1, *DIGIT], "float32", "x")]
    paddle.jit.save(net(), str(HERE / "resnet8"), input_spec=spec)


def int8_onnx() -> None:
    """The int8 net as converted, and the results that TensorFlow Lite itself has of a few digits."""
    held = samples("evaluation", COMPARED, DIGIT)
    pictures = (np.asarray(held.pixels, np.float32) / 255).transpose(0, 2, 3, 1)
    with TemporaryDirectory() as scratch:
        out = Path(scratch)
        np.savez(out / "samples.npz", x=pictures)
        converted(Foreign("tflite", HERE / "resnet8_int8.tflite"), out, out / "samples.npz")
        (results,) = np.load(out / "results.npz").values()
        np.savez_compressed(HERE / "resnet8_int8.npz", x=pictures, results=results)
        (HERE / "resnet8_int8.onnx").write_bytes((out / "model.onnx").read_bytes())


def digits() -> Iterator[list[np.ndarray]]:
    """Digits to calibrate with, (1, 28, 28, 1) each."""
    held = samples("calibration", CALIBRATED_ON, DIGIT)
    for picture in np.asarray(held.pixels, np.float32) / 255:
        yield [picture.transpose(1, 2, 0)[None].astype(np.float32)]


if __name__ == "__main__":
    made = {
        "torch": torch,
        "tensorflow": tensorflow,
        "paddle": paddle,
        "int8_onnx": int8_onnx,
        "saved_model": saved_model,
    }
    made[sys.argv[1]](*sys.argv[2:])
