"""Plans against what the store does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from compiler.build.plan import EMPTY
from compiler.build.store import Store


def test_the_planned_empty_artifact_is_what_an_unwanted_stage_makes(tmp_path: Path) -> None:
    def nothing(out: Path) -> dict[str, Any]:
        return {}

    assert Store(tmp_path).build("k" * 64, {}, nothing).ref.hash == EMPTY.hash
