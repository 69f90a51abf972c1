"""
Figures by tensor as node data for Google's Model Explorer, which lays them over the nodes of `canonical.onnx`.

A file holds, for the graph's id, `results` by node ({name: {"value": number}}) and the colours of a `gradient` between
the least value (stop 0) and the greatest (stop 1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

GRAPH = "main"
"""The graph's id: its name in `canonical.onnx`."""

COLD, HOT = "#ffffff", "#ee6677"


def write(path: Path, values: Mapping[str, float], *, more_is_worse: bool = True) -> None:
    """Write one figure a node, the worst value hottest. Nodes bear the names of the tensors they make."""
    ends = (COLD, HOT) if more_is_worse else (HOT, COLD)
    data = {
        "results": {name: {"value": value} for name, value in values.items()},
        "gradient": [{"stop": stop, "bgColor": colour} for stop, colour in enumerate(ends)],
    }
    path.write_text(json.dumps({GRAPH: data}, indent=1) + "\n", encoding="utf-8")
