"""The tools that `bench quant` holds ours against, and how each is set."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Family:
    """
    A tool: the Python it needs, if another than ours, what is asked of the environment after `pip install`, and whether
    its worker writes results of its own instead of an ONNX file with QuantizeLinear and DequantizeLinear.
    """

    python: str | None = None
    imports: str = ""
    own_results: bool = False


FAMILIES: Mapping[str, Family] = {
    "onnxruntime": Family(imports="onnxruntime.quantization"),
    "nncf": Family(imports="nncf"),
    "aimet": Family(imports="aimet_onnx"),
    "tpu_mlir": Family(python="python3.10", imports="tpu_mlir", own_results=True),
}
"""Each has beside this file its requirements, `<name>.txt`, and its worker, `<name>_worker.py`."""


@dataclass(frozen=True)
class Peer:
    """A tool with settings, which its worker knows."""

    family: str
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


CONTRACTIONS = ["Conv", "Gemm", "MatMul"]
WIDE = "onnxruntime-a16w8"
"""Activations of 16 bits: no int8 network, but what `mix` is to reach."""

PEERS: Mapping[str, Peer] = {
    "onnxruntime-minmax": Peer("onnxruntime", {"method": "MinMax"}),
    "onnxruntime-percentile": Peer("onnxruntime", {"method": "Percentile"}),
    "onnxruntime-minmax-contractions": Peer("onnxruntime", {"method": "MinMax", "ops": CONTRACTIONS}),
    "onnxruntime-percentile-contractions": Peer("onnxruntime", {"method": "Percentile", "ops": CONTRACTIONS}),
    WIDE: Peer("onnxruntime", {"method": "MinMax", "activations": "QUInt16"}),
    "nncf-mixed": Peer("nncf"),
    "nncf-mixed-full-correction": Peer("nncf", {"fast_bias_correction": False}),
    "nncf-transformer": Peer("nncf", {"model_type": "TRANSFORMER"}),
    "aimet-minmax": Peer("aimet", {"scheme": "min_max"}),
    "aimet-tf-enhanced": Peer("aimet", {"scheme": "post_training_tf_enhanced"}),
    "tpu_mlir-kl": Peer("tpu_mlir"),
    "tpu_mlir-mse-asymmetric": Peer("tpu_mlir", {"calibrate": ["--cali_method", "mse"], "deploy": ["--asymmetric"]}),
}
