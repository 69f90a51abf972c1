"""Where an asset's code is, for the UI to link to."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import dagster as dg

from assets import preview
from assets.figures import Figure
from compiler.build.flow import Stage


def code_references(stage: Stage, figures: Sequence[Figure]) -> dict[str, dg.CodeReferencesMetadataValue]:
    """The definition's metadata that names the stage's file, at its `run`, and those that draw its pictures."""
    with preview.accepted():
        found: list[dg.LocalFileCodeReference | dg.UrlCodeReference] = [
            *_reference(stage.module, "def run(", stage.name),
            *(found for figure in figures for found in _reference(figure.module, "def draw(", f"plot: {figure.name}")),
        ]
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=found)}


def _reference(module: str, start: str, label: str) -> list[dg.LocalFileCodeReference]:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return []
    lines = Path(spec.origin).read_text(encoding="utf-8").splitlines()
    at = next((number for number, line in enumerate(lines, 1) if line.startswith(start)), 1)
    return [dg.LocalFileCodeReference(file_path=spec.origin, line_number=at, label=label)]
