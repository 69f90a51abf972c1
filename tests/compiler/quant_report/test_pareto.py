"""The curve of a mixed network, as the search wrote it."""

from __future__ import annotations

import json
from pathlib import Path

from compiler.stages import quant_report
from tests.compiler.quant_report.nets import INPUTS, lowered, plain


def test_the_page_has_the_networks_that_none_beats(tmp_path: Path) -> None:
    root = lowered(tmp_path, plain())
    (root / "qtable").mkdir()
    rows = [
        {"cycles": cycles, "sqnr_db": db, "float_ops": ops, "frontier": best, "chosen": cycles == 120_000}
        for cycles, db, ops, best in ((100_000, 20.0, 0, True), (110_000, 19.0, 1, False), (120_000, 33.5, 2, True))
    ]
    (root / "qtable" / "pareto.json").write_text(json.dumps(rows))
    out = root / "quant_report"
    out.mkdir()
    given = {"name": "net", "mode": "mix", "samples": 2}
    quant_report.run({name: root / name for name in (*INPUTS, "qtable")}, given, out)
    page, text = ((out / f"quant_report.{kind}").read_text() for kind in ("html", "md"))
    assert "2 float ops: 120,000 cycles, 33.5 dB" in page
    assert "110,000" not in page + text
    assert "| 2 | 120,000 | 33.5 | chosen |" in text
