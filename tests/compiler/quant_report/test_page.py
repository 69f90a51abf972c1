"""The report's page: whole, standing alone, and safe from the names that a model brings."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.compiler.quant_report.nets import lowered, plain, reported

VOID = {"meta", "input", "br", "link", "img"}
EVIL = ("a<script>alert(1)</script>", "b\"&'c", "d|`e`")


class Balanced(HTMLParser):
    """Raises AssertionError where an element isn't closed in its turn; keeps texts and tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        assert not any(name in ("src", "href") for name, _ in attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact of a network whose tensors have names that mean something to HTML, JavaScript and Markdown."""
    root = lowered(tmp_path_factory.mktemp("evil"), plain(), EVIL)
    reported(root)
    return root / "quant_report"


def test_every_element_is_closed_and_nothing_comes_from_elsewhere(written: Path) -> None:
    page = Balanced()
    page.feed((written / "quant_report.html").read_text())
    assert page.open == []
    assert page.tags.count("script") == 1
    assert page.tags.count("figure") == 4


def test_names_are_text_wherever_they_stand(written: Path) -> None:
    text = (written / "quant_report.html").read_text()
    assert "<script>alert" not in text
    page = Balanced()
    page.feed(text)
    assert f"{EVIL[0]}_Conv" in page.texts
    assert f"{EVIL[1]}_Conv" in page.texts


def test_every_row_of_a_markdown_table_has_its_columns(written: Path) -> None:
    rows = (written / "quant_report.md").read_text().partition("## All tensors")[2].strip().splitlines()
    assert len(rows) == 2 + 4
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {15}


def test_node_data_and_figures_are_of_the_networks_tensors(written: Path) -> None:
    told: dict[str, Any] = json.loads((written / "quant_report.json").read_text())
    names = [row["tensor"] for row in told["layers"]]
    assert names == ["x", *(f"{name}_Conv" for name in EVIL)]
    for kind, key in (("local", "local_db"), ("accumulated", "total_db")):
        nodes = json.loads((written / f"{kind}_sqnr.nodes.json").read_text())["main"]["results"]
        assert nodes == {row["tensor"]: {"value": row[key]} for row in told["layers"]}


def test_a_report_is_the_same_bytes_again(written: Path) -> None:
    before = {path.name: path.read_bytes() for path in written.iterdir()}
    reported(written.parent)
    assert {path.name: path.read_bytes() for path in written.iterdir()} == before


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_a_click_on_a_column_sorts_it_and_the_filter_hides_rows(written: Path, tmp_path: Path) -> None:
    act = """<script>document.querySelectorAll('#all th button')[13].click();
    const f = document.getElementById('filter'); f.value = 'conv'; f.dispatchEvent(new Event('input'));</script>"""
    place = tmp_path / "report.html"
    place.write_text((written / "quant_report.html").read_text().replace("</body>", f"{act}</body>"))
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    shown = subprocess.run([*command, "--dump-dom", place.as_uri()], check=True, capture_output=True, text=True).stdout
    rows = shown.partition('<table id="all">')[2].partition("<tbody>")[2].partition("</tbody>")[0].split("<tr")[1:]
    macs = [int(re.findall(r'data-value="([\d.-]*)"', row)[-1]) for row in rows]
    assert macs == sorted(macs) == [0, 1536, 13824, 20736]
    assert ["hidden" in row.partition(">")[0] for row in rows] == [True, False, False, False]
