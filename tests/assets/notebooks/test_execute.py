"""Notebooks from Python files, run in a process of their own, and pages made of them."""

import re
from pathlib import Path

import nbformat
import pytest

from assets.notebooks import html, percent
from assets.notebooks.execute import execute
from assets.notebooks.failure import CellFailed
from assets.notebooks.percent import BadTemplate

TEMPLATE = '''"""Not part of the notebook."""

# %% tags=["parameters"]
number = 1

# %% [markdown]
# # What it is
#
# A **number** of the folder.

# %%
import os

print(number, sorted(os.listdir()))
print("next")

# %%
from IPython.display import HTML

import assets.notebooks.percent

HTML(f"<b>{assets.notebooks.percent.__file__}</b>")
'''


def notebook(folder: Path, text: str) -> nbformat.NotebookNode:
    (folder / "template.py").write_text(text)
    return percent.read(folder / "template.py")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def done(room: Path) -> nbformat.NotebookNode:
    return execute(notebook(room, TEMPLATE), {"number": 7}, room)


def test_cells_are_those_of_the_file(tmp_path: Path) -> None:
    made = notebook(tmp_path, TEMPLATE)
    assert [cell.cell_type for cell in made.cells] == ["code", "markdown", "code", "code"]
    assert made.cells[1].source == "# What it is\n\nA **number** of the folder."
    assert made.cells[2].source.startswith("import os")
    assert made.cells[0].metadata["tags"] == ["parameters"]
    nbformat.validate(made)


def test_a_line_that_begins_no_cell_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadTemplate, match=r"template\.py, line 3: '# %% \[text\]' begins no cell"):
        notebook(tmp_path, "# %%\n1\n# %% [text]\n# words\n")


def test_parameters_folder_and_sources_are_those_given(done: nbformat.NotebookNode, room: Path) -> None:
    printed = done.cells[3].outputs
    assert [output.text for output in printed] == ["7 ['template.py']\nnext\n"]
    assert str(Path(percent.__file__)) in done.cells[4].outputs[0].data["text/html"]


def test_nothing_in_it_comes_from_chance_or_the_clock(done: nbformat.NotebookNode, room: Path) -> None:
    again = execute(notebook(room, TEMPLATE), {"number": 7}, room)
    assert nbformat.writes(again) == nbformat.writes(done)
    assert html.page(again, "Page") == html.page(done, "Page")
    nbformat.validate(done)


def test_the_page_needs_nothing_else(done: nbformat.NotebookNode) -> None:
    page = html.page(done, "A & B")
    assert "<title>A &amp; B</title>" in page
    assert "What it is" in page
    assert "import os" not in page
    assert not re.findall(r"https?://|<script|@import|<link", page)


def test_a_cell_that_raises_is_named_with_its_heading_and_error(room: Path) -> None:
    failing = TEMPLATE + '\n# %% [markdown]\n# ## Sums\n\n# %%\nprint("x")\n{}["groups"]\n'
    with pytest.raises(CellFailed, match=r"^cell \[5\], below 'Sums': KeyError: 'groups'$"):
        execute(notebook(room, failing), {"number": 7}, room)
