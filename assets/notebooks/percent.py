"""
Notebooks as Python files: cells that begin with `# %%`, as editors and Jupytext read them.

`# %% [markdown]` begins a cell of text, its lines comments; `# %% tags=["parameters"]` a cell with tags. Such a file is
reviewed, formatted and type-checked like any other, and holds no outputs.
"""

import json
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

MARK = re.compile(r"^# %%(?P<kind> \[markdown\])?(?: tags=(?P<tags>\[.*\]))?$")
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


class BadTemplate(ValueError):
    """A line that begins a cell can't be read; the message names file and line."""


def read(path: Path) -> NotebookNode:
    """The notebook of a file; what stands before the first cell belongs to no notebook. Raises BadTemplate."""
    cells: list[NotebookNode] = []
    lines: list[list[str]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("# %%"):
            found = MARK.match(line)
            if found is None:
                raise BadTemplate(f"{path}, line {number}: {line!r} begins no cell; write `# %%` or `# %% [markdown]`")
            cells.append(_cell(found["kind"] is not None, json.loads(found["tags"] or "[]")))
            lines.append([])
        elif lines:
            lines[-1].append(line)
    for cell, body in zip(cells, lines, strict=True):
        plain = [line.removeprefix("#").removeprefix(" ") for line in body] if cell.cell_type == "markdown" else body
        cell.source = "\n".join(plain).strip("\n")
    return numbered(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}))


def numbered(notebook: NotebookNode) -> NotebookNode:
    """The same, its cells called by their place and not by chance."""
    for place, cell in enumerate(notebook.cells):
        cell.id = f"cell-{place:02}"
    return notebook


def _cell(text: bool, tags: list[str]) -> NotebookNode:
    metadata = {"tags": tags} if tags else {}
    return nbformat.v4.new_markdown_cell(metadata=metadata) if text else nbformat.v4.new_code_cell(metadata=metadata)
