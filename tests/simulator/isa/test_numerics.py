"""`docs/numerics.md`: its made part is the code's, its figures are the tests', and the tests it names are there."""

from __future__ import annotations

import re
from pathlib import Path

from simulator.isa.numerics import filled
from tests.simulator.arithmetic.test_functions import TRUE

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/numerics.md"
FORMULAS = (
    "1. Storage",
    "2. Integer contractions",
    "3. Float contractions",
    "4. Elementwise",
    "5. Pooling",
    "6. Functions",
)


def test_coefficients_are_the_codes(update_golden: bool) -> None:
    if update_golden:
        PAGE.write_text(filled(PAGE.read_text()))
    assert PAGE.read_text() == filled(PAGE.read_text()), "run with --update-golden and look at the difference"


def test_errors_are_those_that_tests_hold() -> None:
    text = PAGE.read_text()
    for name in ("exp", "log", "tanh", "erf", "atan"):
        assert f"\n| {name} | {TRUE[name][2]} |" in text
    assert f"\n| sin, cos | {TRUE['sin'][2]}, {TRUE['cos'][2]} (" in text


def test_every_formula_names_a_reference_test_that_is_there() -> None:
    sections = PAGE.read_text().split("\n## ")
    chapters = [section for section in sections if section.startswith(FORMULAS)]
    assert len(chapters) == len(FORMULAS)
    for chapter in chapters:
        parts = re.split(r"\n(?=\* )", chapter)
        formulas = parts[1:] if chapter.startswith("5.") else [chapter]
        assert all("`test_" in formula for formula in formulas), chapter[:40]
        casts = [row for row in chapter.splitlines() if chapter[0] in "14" and " → " in row and row.startswith("| ")]
        assert all("`test_" in row for row in casts)
    there = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for name in set(re.findall(r"`(test_\w+)`", "\n".join(sections))):
        assert f"def {name}(" in there, name
    for path in set(re.findall(r"`(tests/[\w/.]+|test_\w+\.py)`", "\n".join(sections))):
        assert list((ROOT / "tests").rglob(Path(path).name)), path
