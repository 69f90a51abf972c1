"""An ONNX file and its external data into memory, with what is wrong said plainly."""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import checker, defs, external_data_helper, helper, inliner

from compiler.frontends.onnx.errors import DamagedModel, MissingExternalData

UNKNOWN = "unknown"
"""The domain in which the checker meets ops that ONNX doesn't have."""


def load(path: Path) -> onnx.ModelProto:
    """
    The model with its external data read in and its local functions inlined.

    Raises DamagedModel or MissingExternalData; FileNotFoundError if there is no such file.
    """
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except DecodeError:
        raise DamagedModel(f"{path.name} isn't an ONNX model, or was cut short; fetch or export it again") from None
    if not model.graph.node or not model.opset_import:
        raise DamagedModel(f"{path.name} holds no graph; it isn't an ONNX model, or was cut short: export it again")
    _read_external_data(model, path.parent)
    try:
        checker.check_model(_without_unknown_ops(model))
    except checker.ValidationError as error:
        reason = " ".join(str(error).split())
        raise DamagedModel(f"{path.name} breaks ONNX's rules: {reason}; export it again") from None
    return inliner.inline_local_functions(model) if model.functions else model


def _read_external_data(model: onnx.ModelProto, directory: Path) -> None:
    for tensor in external_tensors(model):
        told = external_data_helper.ExternalDataInfo(tensor)
        file = directory / told.location
        if not file.is_file():
            raise MissingExternalData(
                f"tensor {tensor.name!r} lies in {told.location!r}, which isn't there; put it beside the model"
            )
        end = (told.offset or 0) + (told.length or 0)
        if file.stat().st_size < end:
            raise MissingExternalData(
                f"tensor {tensor.name!r} ends at byte {end} of {told.location!r}, which has {file.stat().st_size}; "
                "fetch that file again"
            )
        external_data_helper.load_external_data_for_tensor(tensor, str(directory))
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def _without_unknown_ops(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    The model, ops that this release of ONNX doesn't have moved to a domain that its checker passes by.

    The checker would stop at the first one; `read` lists them all, by name, with what else isn't supported.
    """
    if all(map(_known, model.graph.node)):
        return model
    moved = onnx.ModelProto()
    moved.CopyFrom(model)
    for node in moved.graph.node:
        if not _known(node):
            node.domain = UNKNOWN
    moved.opset_import.append(helper.make_opsetid(UNKNOWN, 1))
    return moved


def _known(node: onnx.NodeProto) -> bool:
    return node.domain not in ("", "ai.onnx") or defs.has(node.op_type)


def external_tensors(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """The initializers and Constant values that lie in other files."""
    inline = [a.t for node in model.graph.node for a in node.attribute if a.type == onnx.AttributeProto.TENSOR]
    return [t for t in (*model.graph.initializer, *inline) if external_data_helper.uses_external_data(t)]
