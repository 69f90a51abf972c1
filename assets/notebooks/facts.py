"""What the report is told besides the artifacts: sizes, what stages said of their work, and whether checks hold."""

from collections.abc import Mapping
from typing import Any

from assets.about import About
from compiler.build import hashes
from compiler.build.flow import Settings, Stage, Target
from compiler.build.store import Record

INPUTS = (
    "sample_onnx",
    "origin_mlir",
    "canonical_mlir",
    "cali_table",
    "cali_mlir",
    "tpu_mlir",
    "lg_mlir",
    "addr_mlir",
    "sample_model",
    "profile",
    "comparison",
    "accuracy",
)
"""The stages whose artifacts the report shows."""

COUNTED = ("origin_mlir", "canonical_mlir", "tpu_mlir")
"""Stages whose metadata has a table of their ops."""


def facts(
    stages: Mapping[str, Stage],
    about: Mapping[str, About],
    settings: Settings,
    target: Target,
    records: Mapping[str, Record],
) -> dict[str, Any]:
    """Plain values, from the records of INPUTS; stages that the target has no use for are left out."""
    wanted = [name for name in INPUTS if stages[name].params(settings, target) is not None]
    tolerance = settings.tolerance.get(target.mode, {})
    return {
        "stages": {name: {"bytes": _bytes(records[name])} for name in wanted},
        "flow": {
            group: [name for name in wanted if about[name].group == group]
            for group in dict.fromkeys(about[name].group for name in wanted)
        },
        "ops": {name: records[name].metadata["table"] for name in COUNTED},
        "counts": {name: records[name].metadata["ops"] for name in COUNTED},
        "group_count": records["lg_mlir"].metadata["groups"],
        "passes": records["canonical_mlir"].metadata["passes"],
        "groups": records["lg_mlir"].metadata["table"],
        "tolerance": dict(tolerance),
        "checks": [
            {
                "check": check.name,
                "description": check.description,
                "passed": bool(check.holds(records[name].metadata, tolerance)),
                "evidence": ", ".join(f"{key} {records[name].metadata.get(key)}" for key in check.evidence),
            }
            for name in wanted
            for check in about[name].checks
        ],
    }


def _bytes(record: Record) -> int:
    return sum(file.stat().st_size for _, file in hashes.files_in(record.ref.path))
