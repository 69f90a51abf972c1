"""Which layer of a program a tensor of the ONNX network became part of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

import onnx


def homes(model: onnx.ModelProto, results: Iterable[str], layers: Collection[str]) -> dict[str, str]:
    """
    By result, the layer that makes it, or that it was fused into: the one of its only reader, and so on.

    A layer is called after the result and its op's type. A result that can't be followed has no entry.
    """
    makers = {name: node for node in model.graph.node for name in node.output if name}
    readers = defaultdict[str, list[onnx.NodeProto]](list)
    for node in model.graph.node:
        for name in node.input:
            readers[name].append(node)
    found = dict[str, str]()
    for result in results:
        at: str | None = result
        while at is not None and result not in found:
            named = f"{at}_{makers[at].op_type}"
            if named in layers:
                found[result] = named
            elif inner := [layer for layer in layers if layer.startswith(f"{named}_")]:
                found[result] = inner[-1]
            at = readers[at][0].output[0] if len(readers[at]) == 1 else None
    return found
