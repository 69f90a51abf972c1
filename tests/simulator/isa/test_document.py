"""`docs/isa.md` says what the table says."""

from __future__ import annotations

from pathlib import Path

from simulator.isa.document import FLAGS, document
from simulator.isa.table import SPECS, Flag

PAGE = Path(__file__).parents[3] / "docs/isa.md"


def test_the_page_is_the_table(update_golden: bool) -> None:
    if update_golden:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(document())
    assert PAGE.read_text() == document(), "run with --update-golden and look at the difference"


def test_nothing_is_left_out() -> None:
    assert FLAGS.keys() == set(Flag) - {Flag.NONE}
    page = document()
    for name, spec in SPECS.items():
        assert f"### {name}\n" in page
        for word in (*spec.operands, *spec.functions, *(param.name for param in spec.params)):
            assert f"`{word}`" in page
