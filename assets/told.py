"""What Dagster is told of a stage's record, by the run that made or found it and by what mirrors the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from assets.about import About
from assets.figures import drawn
from assets.metadata import shown
from compiler.build.builder import Builder
from compiler.build.flow import Settings, Stage, Target
from compiler.build.store import Record, Ref

VERSION_LENGTH = 16
"""Hexadecimal digits of a hash that a version shows."""

SUMMARY = 4000
"""Letters of a document that go into the event log at most; whole sections of it."""


@dataclass(frozen=True)
class Told:
    """The version, metadata, check results and tags of one materialization."""

    version: str
    metadata: Mapping[str, dg.MetadataValue[Any]]
    checks: tuple[dg.AssetCheckResult, ...]
    tags: Mapping[str, str]


def told(
    builder: Builder,
    stage: Stage,
    about: About,
    settings: Settings,
    target: Target,
    record: Record,
    upstream: Mapping[str, Ref],
) -> Told:
    """All of it from the record; the pictures are drawn once for each state of artifact and plotting code."""
    wanted = stage.params(settings, target) is not None
    tolerance = settings.tolerance.get(target.mode, {})
    pictures = drawn(builder, about.figures, stage.name, record, upstream) if wanted else {}
    written = _written(about, record) if wanted else {}
    return Told(
        version=record.ref.hash[:VERSION_LENGTH],
        metadata={**shown(record.metadata), **written, **pictures, "path": dg.MetadataValue.path(record.ref.path)},
        checks=tuple(check.result(record.metadata, tolerance, wanted=wanted) for check in about.checks),
        tags={"tpuflow/key": record.key[:VERSION_LENGTH], "tpuflow/cache": "hit" if record.hit else "miss"},
    )


def _written(about: About, record: Record) -> dict[str, dg.MetadataValue[Any]]:
    """The beginning of the artifact's document, and where its page is."""
    found: dict[str, dg.MetadataValue[Any]] = {}
    if about.document:
        text = (record.ref.path / about.document).read_text(encoding="utf-8")
        found["summary"] = dg.MetadataValue.md(text[:SUMMARY].rpartition("\n## ")[0] or text)
    if about.page:
        found["page"] = dg.MetadataValue.path(record.ref.path / about.page)
    return found
