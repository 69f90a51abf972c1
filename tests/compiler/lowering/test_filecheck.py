"""Every `.mlir` under filecheck/ is a test of lowering to the mode that it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.dialects.quant import Quant
from compiler.dialects.structure import Structure
from compiler.dialects.tpu.ops import Tpu
from compiler.ir import text
from compiler.lowering.walk import lower
from tests.compiler.filecheck import assert_matches, command, network

FOLDER = Path(__file__).parent / "filecheck"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.mlir")), ids=lambda path: path.stem)
def test_filecheck(path: Path) -> None:
    source = path.read_text()
    under_test = network(source)
    lower(under_test, command(source))
    output = text.write(under_test.module)
    assert_matches(path, output)
    assert text.write(text.read(output, Structure, Tpu, Quant)) == output
