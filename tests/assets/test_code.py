"""Each asset of the graph leads to its code."""

from pathlib import Path

import dagster as dg
import pytest

from assets.flow import ABOUT, STAGE_ASSETS


@pytest.mark.parametrize("stage", STAGE_ASSETS)
def test_an_asset_names_its_stage_and_its_plots_where_they_begin(stage: str) -> None:
    metadata = STAGE_ASSETS[stage].metadata_by_key[dg.AssetKey(stage)]["dagster/code_references"]
    assert isinstance(metadata, dg.CodeReferencesMetadataValue)
    found = [reference for reference in metadata.code_references if isinstance(reference, dg.LocalFileCodeReference)]
    assert [reference.label for reference in found] == [stage, *(f"plot: {f.name}" for f in ABOUT[stage].figures)]
    assert found[0].file_path.endswith(f"compiler/stages/{stage}.py")
    for reference in found:
        lines = Path(reference.file_path).read_text().splitlines()
        assert lines[(reference.line_number or 0) - 1].startswith(("def run(", "def draw("))
