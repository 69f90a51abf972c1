"""
A Top network as a small ONNX file for graph viewers (Netron, Model Explorer), its weights left where they are.

The file names the arrays inside an `.npz` beside it as its external data, so no weight is stored twice and the model
still loads and runs. A node bears the name of the tensor it makes, which is what node data are keyed by.
"""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, StringStringEntryProto, TensorProto, helper, numpy_helper
from xdsl.dialects.func import ReturnOp

from compiler.frontends.onnx.from_top.write import write
from compiler.ir.network import Network, name_of

_LOCAL_HEADER = struct.Struct("<26xHH")
"""Of an entry of a zip file: the lengths of the name and of the extra field behind it."""


def browsable(network: Network, weights: Path) -> ModelProto:
    """
    The network with just its own inputs and outputs, the other tensors' extents noted beside the graph.

    `weights` is the uncompressed `.npz` that holds the network's weights; the model must be saved in its directory.
    Raises KeyError for a weight that it doesn't hold.
    """
    places = array_places(weights)

    def initialiser(array: NDArray[Any], name: str) -> TensorProto:
        if name not in network.weights:
            return numpy_helper.from_array(array, name)
        return _elsewhere(array, name, weights.name, *places[name])

    model = write(network, initialiser)
    for node in model.graph.node:
        node.name = node.output[0]
    results = {name_of(value) for op in network.ops if isinstance(op, ReturnOp) for value in op.operands}
    tensors = list(model.graph.output)
    del model.graph.output[:]
    model.graph.output.extend(value for value in tensors if value.name in results)
    model.graph.value_info.extend(value for value in tensors if value.name not in results)
    return model


def array_places(path: Path) -> dict[str, tuple[int, int]]:
    """Where in an uncompressed `.npz` each array's values are: first byte, and how many."""
    found: dict[str, tuple[int, int]] = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for entry in archive.infolist():
            file.seek(entry.header_offset)
            start = entry.header_offset + _LOCAL_HEADER.size + sum(_LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size)))
            file.seek(start)
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            found[entry.filename.removesuffix(".npy")] = file.tell(), start + entry.file_size - file.tell()
    return found


def _elsewhere(array: NDArray[Any], name: str, file: str, offset: int, length: int) -> TensorProto:
    tensor = TensorProto(
        name=name,
        dims=array.shape,
        data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
        data_location=TensorProto.EXTERNAL,
    )
    where = {"location": file, "offset": str(offset), "length": str(length)}
    tensor.external_data.extend(StringStringEntryProto(key=key, value=value) for key, value in where.items())
    return tensor
