"""
The default model of UpscalerJS: twice the size by residual dense blocks, nearest neighbours and 5×5 filters.

Its weights are a TensorFlow.js layers model: JSON, and numbers one after the other.
"""

import json
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from assets.zoo.builders.graph import Graph
from assets.zoo.packages import NpmPackage, members

PACKAGE = NpmPackage(
    "@upscalerjs/default-model", "1.0.0", "4d40035493971cf5a9dac28738dd04c5c13e5b936bf35fa467bb368b99a1d36c"
)
FOLDER = "package/models"
FILES = ("model.json", "group1-shard1of1.bin")
SIDE = 64
"""Pixels of the input."""


def model() -> onnx.ModelProto:
    """Input `LR` (1, 3, 64, 64), red first, in 0..255; output (1, 3, 128, 128), likewise. Raises PackageUnavailable."""
    held = members(PACKAGE, [f"{FOLDER}/{file}" for file in FILES])
    described, numbers = (held[f"{FOLDER}/{file}"] for file in FILES)
    told = json.loads(described)
    weights = _weights(told["weightsManifest"], numbers)
    config = told["modelTopology"]["model_config"]["config"]
    graph, fed = Graph(), ""
    for layer in config["layers"]:
        name, nodes = layer["name"], layer["inbound_nodes"]
        if layer["class_name"] == "InputLayer":
            fed = name
        else:
            _layer(graph, layer["class_name"], layer["config"], name, [node[0] for node in nodes[0]], weights)
    made = config["output_layers"][0][0]
    given = helper.make_tensor_value_info(fed, TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    return graph.model(
        [given], [helper.make_tensor_value_info(made, TensorProto.FLOAT, [1, 3, 2 * SIDE, 2 * SIDE])], "upscaler", 13
    )


def _weights(manifest: Sequence[Mapping[str, Any]], numbers: bytes) -> dict[str, NDArray[np.float32]]:
    """The arrays by name, as they follow each other."""
    made, at = dict[str, NDArray[np.float32]](), 0
    for weight in (weight for group in manifest for weight in group["weights"]):
        count = prod(weight["shape"])
        made[weight["name"]] = np.frombuffer(numbers, "<f4", count, at).reshape(weight["shape"])
        at += 4 * count
    return made


def _layer(
    graph: Graph,
    kind: str,
    config: Mapping[str, Any],
    name: str,
    inputs: list[str],
    weights: Mapping[str, NDArray[np.float32]],
) -> None:
    match kind:
        case "Conv2D":
            operands = [*inputs, graph.constant(f"{name}_kernel", weights[f"{name}/kernel"].transpose(3, 2, 0, 1))]
            if f"{name}/bias" in weights:
                operands.append(graph.constant(f"{name}_bias", weights[f"{name}/bias"]))
            around = [extent // 2 for extent in config["kernel_size"]] * 2
            graph.add("Conv", operands, name, kernel_shape=config["kernel_size"], pads=around)
        case "Activation":
            graph.add("Relu", inputs, name)
        case "Concatenate":
            graph.add("Concat", inputs, name, axis=1)
        case "Add":
            graph.add("Add", inputs, name)
        case "UpSampling2D":
            scales = graph.constant(f"{name}_scales", np.array([1, 1, *config["size"]], np.float32))
            how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            graph.add("Resize", [*inputs, "", scales], name, 1, mode="nearest", **how)
        case _:
            graph.add("DepthToSpace", inputs, name, blocksize=int(config["scale"]), mode="DCR")
