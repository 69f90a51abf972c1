"""Runs the report's notebook over some artifacts, and writes it and its page."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from assets.notebooks import html, percent
from assets.notebooks.execute import execute
from compiler.build import hashes

FACTS = "report.json"


def write(
    template: Path, inputs: Mapping[str, Path], facts: Mapping[str, Any], parameters: Mapping[str, str], out: Path
) -> None:
    """
    Write `report.ipynb`, `report.html` and `report.json`, the facts. Raises CellFailed.

    The notebook finds all files in one folder, as a partition shows them: opened there, it runs again as it is.
    """
    with tempfile.TemporaryDirectory() as room:
        for folder in inputs.values():
            for name, file in hashes.files_in(folder):
                link = Path(room, name)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file.absolute())
        (out / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        Path(room, FACTS).symlink_to((out / FACTS).absolute())
        done = execute(percent.read(template), parameters, Path(room))
    (out / "report.ipynb").write_text(nbformat.writes(done) + "\n", encoding="utf-8")
    title = f"{parameters['model']} for {parameters['target']}"
    (out / "report.html").write_text(html.page(done, title), encoding="utf-8")
