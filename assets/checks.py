"""What has to hold of an artifact, judged from its metadata."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from assets import preview
from assets.partitions import MODEL_TARGET

Metadata = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """A named condition on the metadata and the tolerance, and the entries that let a reader see why it holds."""

    name: str
    description: str
    holds: Callable[[Metadata, Mapping[str, float]], bool]
    evidence: tuple[str, ...]

    def spec(self, asset: str) -> dg.AssetCheckSpec:
        """The check's definition, partitioned as its asset, so that no model hides another's failure."""
        with preview.accepted():
            return dg.AssetCheckSpec(self.name, asset=asset, description=self.description, partitions_def=MODEL_TARGET)

    def result(self, metadata: Metadata, tolerance: Mapping[str, float], *, wanted: bool) -> dg.AssetCheckResult:
        """The verdict; an artifact that the target has no use for passes."""
        evidence = {name: metadata[name] for name in self.evidence if name in metadata}
        passed = self.holds(metadata, tolerance) if wanted else True
        return dg.AssetCheckResult(passed=passed, check_name=self.name, metadata=evidence)


CHECKS: Mapping[str, tuple[Check, ...]] = {
    "profile": (
        Check(
            "local_memory_fits",
            "No record touches a byte of a lane that the chip does not have.",
            lambda metadata, tolerance: metadata["local_bytes"] <= metadata["lane_bytes"],
            ("local_bytes", "lane_bytes"),
        ),
        Check(
            "program_is_sound",
            "Nothing out of bounds, read before it is written, or left to a race between the engines.",
            lambda metadata, tolerance: metadata["findings"] == 0,
            ("findings",),
        ),
        Check(
            "above_the_floor",
            "Neither cycles nor bytes fall below what the network needs at least: the cycle model is not cheating.",
            lambda metadata, tolerance: (
                metadata["cycles"] >= metadata["floor_cycles"]
                and (metadata["ddr_over_compulsory"] >= 1 or not metadata["compulsory_bytes"])
            ),
            ("cycles", "floor_cycles", "ddr_over_compulsory"),
        ),
    ),
    "comparison": (
        Check(
            "chip_equals_tpu",
            "The chip's tensors are the interpreter's, byte for byte.",
            lambda metadata, tolerance: metadata["mismatched_bytes"] == 0,
            ("mismatched_bytes", "tensors"),
        ),
        Check(
            "similar_enough",
            "No tensor is less like its float original than the model's record allows.",
            lambda metadata, tolerance: metadata["passed"],
            ("passed", "cosine", "sqnr_db", "worst_tensor"),
        ),
    ),
    "accuracy": (
        Check(
            "accurate_enough",
            "The model loses no more accuracy against float than its record allows.",
            lambda metadata, tolerance: metadata["drop"] <= tolerance["accuracy_drop"],
            ("accuracy", "accuracy_float", "drop"),
        ),
    ),
}
"""What has to hold, by stage."""
