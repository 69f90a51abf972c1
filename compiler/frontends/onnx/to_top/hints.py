"""What works instead of a node that isn't supported."""

from __future__ import annotations

from difflib import get_close_matches

import onnx
from onnx import defs

PAGE = "docs/operators.md"


def hint(node: onnx.NodeProto) -> str:
    """The nearest op of ONNX's own that there is, to be put behind a reason; nothing for an op that ONNX has itself."""
    if node.domain in ("", "ai.onnx") and defs.has(node.op_type):
        return ""
    known = sorted({schema.name for schema in defs.get_all_schemas() if schema.domain == "" and not schema.deprecated})
    own = next((name for name in known if name.lower() == node.op_type.lower()), "")
    if own:
        return f"; ONNX's own {own} is understood: export the model with that"
    if close := get_close_matches(node.op_type, known, 2):
        return f"; the nearest of ONNX's ops {'are' if len(close) > 1 else 'is'} {' and '.join(close)} (see {PAGE})"
    return f"; export it as ops of ONNX's own, which {PAGE} lists"
