"""A model as every tool of `bench quant` gets it: extents fixed, constants folded, batch normalisation in weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnx import version_converter

from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.session import ORT

OPSET = 17
"""What every tool reads, and the least of which is weights by channel."""


def prepared(model: onnx.ModelProto, shapes: Mapping[str, Sequence[int]]) -> onnx.ModelProto:
    """
    The model in opset 17 after onnxruntime's basic level, which leaves ONNX's own operators only.

    Tools quantise around a batch normalisation that they find: which of them fold it is not what is measured.
    """
    if max(entry.version for entry in model.opset_import if not entry.domain) < OPSET:
        model = version_converter.convert_version(model, OPSET)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        options = ORT.SessionOptions()
        options.graph_optimization_level = ORT.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path)
        options.log_severity_level = 3
        content = prepare(model, shapes).SerializeToString(deterministic=True)
        ORT.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        made = onnx.load_model(path)
    kept = [entry for entry in made.opset_import if not entry.domain]
    del made.opset_import[:]
    made.opset_import.extend(kept)
    onnx.checker.check_model(made, full_check=True)
    return made
