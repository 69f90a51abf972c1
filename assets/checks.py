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
