"""What ONNX says of an op's attributes and types."""

from __future__ import annotations

from typing import Any

from onnx import defs


def schema_of(op_type: str, opset: int, domain: str = "") -> Any:
    """
    An op's schema in an opset; the first one there is of an op that is newer than the opset.

    Nodes that definitions are made of may be newer than the model. Raises defs.SchemaError for no op of ONNX's.
    """
    newest = defs.get_schema(op_type, domain=domain)
    for version in range(opset, newest.since_version):
        try:
            return defs.get_schema(op_type, version, domain)
        except defs.SchemaError:
            continue
    return newest if newest.since_version >= opset else defs.get_schema(op_type, opset, domain)
