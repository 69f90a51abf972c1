"""What a bench prints: one JSON object, or a table."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.display import CONSOLE, table

PACKAGES = ("numba", "numpy", "onnxruntime", "xdsl")
"""Whose versions matter to a measured time."""


@dataclass(frozen=True)
class Row:
    """One measurement. `case` is `<model>/<chip>-<mode>`, with more after a further slash where there are several."""

    case: str
    metric: str
    value: float
    unit: str


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def show(bench: str, rows: Sequence[Row], as_json: bool) -> None:
    """Print to standard output: `{"bench", "machine", "rows"}`, or a table for people."""
    if as_json:
        print(json.dumps({"bench": bench, "machine": machine(), "rows": [asdict(row) for row in rows]}, indent=1))
        return
    CONSOLE.print(table([asdict(row) for row in rows], f"bench {bench}"))


def _cpu_model() -> str:
    """The processor's name as the kernel tells it."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
