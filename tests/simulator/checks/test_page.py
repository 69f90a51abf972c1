"""The page on checks has every one of them."""

from __future__ import annotations

from pathlib import Path

from simulator.checks import bounds, legal, overlap, ports, proofs, races, structure, uninitialised

PAGE = Path(__file__).parents[3] / "docs/checks.md"


def test_every_check_is_described() -> None:
    modules = (bounds, legal, overlap, ports, proofs, races, uninitialised)
    names = {module.NAME for module in modules} | {structure.STRUCTURE, "overflow", "births", "data"}
    rows = [line.split("`")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert set(rows) == names
