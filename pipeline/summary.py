"""One line of figures for a built partition, under the names that every report uses."""

from collections.abc import Mapping
from typing import Any

from compiler.build.store import Record

FIGURES = {
    "accuracy": ("accuracy", "accuracy"),
    "float": ("accuracy", "accuracy_float"),
    "cosine": ("comparison", "cosine"),
    "sqnr_db": ("comparison", "sqnr_db"),
    "mismatched_bytes": ("comparison", "mismatched_bytes"),
    "cycles": ("profile", "cycles"),
    "cycles_over_bound": ("profile", "cycles_over_bound"),
    "ddr_bytes": ("profile", "ddr_bytes"),
    "local_bytes": ("profile", "local_bytes"),
    "activation_bytes": ("profile", "activation_bytes"),
    "model_bytes": ("sample_model", "model_bytes"),
}
"""Each figure's stage, and its name in that stage's metadata."""


def summary(records: Mapping[str, Record]) -> dict[str, Any]:
    """The figures that the records hold, None for others; `seconds` and `ran` are of the stages that ran just now."""
    ran = {name: record for name, record in records.items() if not record.hit}
    found = {
        figure: records[stage].metadata.get(name) if stage in records else None
        for figure, (stage, name) in FIGURES.items()
    }
    return {**found, "seconds": sum(record.metadata["seconds"] for record in ran.values()), "ran": len(ran)}
