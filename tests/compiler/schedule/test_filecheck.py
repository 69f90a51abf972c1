"""Every `.mlir` under filecheck/ is a lowered network, divided and addressed for the chip that it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.dialects.quant import Quant
from compiler.dialects.structure import Structure
from compiler.dialects.tpu.ops import Tpu
from compiler.ir import text
from compiler.ir.network import Network
from compiler.schedule.addresses import assign
from compiler.schedule.divide import divide
from simulator.chip import chip_named
from tests.compiler.filecheck import assert_matches, command

FOLDER = Path(__file__).parent / "filecheck"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.mlir")), ids=lambda path: path.stem)
def test_filecheck(path: Path) -> None:
    source = path.read_text()
    under_test = Network(text.read(source, Structure, Tpu, Quant), {})
    divide(under_test, chip_named(command(source)))
    assign(under_test)
    written = text.write(under_test.module)
    assert_matches(path, written)
    assert text.write(text.read(written, Structure, Tpu, Quant)) == written
